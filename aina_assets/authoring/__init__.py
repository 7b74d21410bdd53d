"""Authoring: chapters, modules and applets, from request to review, with people at eight gates."""
