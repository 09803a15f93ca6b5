"""The whole house at once: processes, protocols, people, kills."""
