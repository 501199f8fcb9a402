"""What has to agree before a release is published: ``make release-check``."""
