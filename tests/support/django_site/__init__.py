"""A Django program that is served by real servers: an app that is its settings and URLs, too."""
