"""The demonstration: a shop that receives, a script of what is sent to it, and a report."""
