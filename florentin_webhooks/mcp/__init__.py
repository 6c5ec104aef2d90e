"""Tools for a coding agent over a receiver, by the Model Context Protocol. Needs the extra ``mcp``.

``florentin-webhooks mcp`` serves them. Only :mod:`florentin_webhooks.mcp.server` and
:mod:`florentin_webhooks.mcp.transports` import the SDK.
"""

__all__: list[str] = []
