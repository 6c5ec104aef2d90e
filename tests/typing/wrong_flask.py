"""What the mounts for Flask do not take."""

from flask import Flask

from florentin_webhooks import Receiver, Router, events
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint

hooks = Receiver("a-secret-of-some-length")
app = Flask(__name__)
florentin = FlorentinWebhooks()

webhook_blueprint()  # error
webhook_blueprint(Router())  # error
webhook_blueprint(florentin)  # error
webhook_blueprint(hooks, None)  # error
webhook_blueprint(hooks, "/webhooks/florentin", "billing")  # error
webhook_blueprint(hooks, strict_slashes=True)  # error
app.register_blueprint(hooks)  # error
florentin.init_app()  # error
florentin.init_app("shop:app")  # error
FlorentinWebhooks(hooks)  # error
florentin.receive({}, b"")  # error


@florentin.on("invoice.created")  # error
def bill(event: events.UserLogin) -> None: ...
