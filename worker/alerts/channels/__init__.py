"""The ways out: one module for each kind of receiver, all of them behind ``port.Channel``."""
