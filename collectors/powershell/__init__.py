"""The only door to pywinrm: run one packaged script on one host, leaving nothing behind."""
