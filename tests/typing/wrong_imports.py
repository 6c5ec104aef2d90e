"""Misspelt names at the top level, and in the modules that stand there."""

import florentin_webhooks
from florentin_webhooks import Recevier  # error
from florentin_webhooks import WebhookApp  # error
from florentin_webhooks import errors, events
from florentin_webhooks.senders.florentin.events import InvoiceCreate  # error

florentin_webhooks.Routr  # error
events.InvoicePaid  # error
errors.InvalidSignatur  # error
