"""The checks of a URL from outside, as a sender sees it."""
