"""Each of the ten names gives its own model, on a Receiver and on a Router."""

from typing import assert_type

from florentin_webhooks import Receiver, Router, events

hooks = Receiver("a-secret-of-some-length")
router = Router()


@hooks.on("account.created")
def account_created(event: events.AccountCreated) -> None:
    assert_type(event.data.account.id, str | None)


@hooks.on("user.login")
def user_login(event: events.UserLogin) -> None:
    assert_type(event.data.user.email, str | None)


@hooks.on("subscription.purchased")
def subscription_purchased(event: events.SubscriptionPurchased) -> None:
    assert_type(event.data.subscription.plan, str | None)


@hooks.on("subscription.upgraded")
def subscription_upgraded(event: events.SubscriptionUpgraded) -> None:
    assert_type(event.data.subscription.previous_plan, str | None)


@hooks.on("subscription.downgraded")
def subscription_downgraded(event: events.SubscriptionDowngraded) -> None:
    assert_type(event.data.subscription.status, str | None)


@router.on("subscription.cancelled")
def subscription_cancelled(event: events.SubscriptionCancelled) -> None:
    assert_type(event.data.subscription.id, str | None)


@router.on("invoice.created")
def invoice_created(event: events.InvoiceCreated) -> None:
    assert_type(event.data.invoice.amount_due, int)
    assert_type(event.data.invoice.currency, str)


@router.on("team_member.added")
def team_member_added(event: events.TeamMemberAdded) -> None:
    assert_type(event.data.member.role, str | None)
    assert_type(event.data.team.name, str | None)


@router.on("tos.accepted")
def tos_accepted(event: events.TosAccepted) -> None:
    assert_type(event.data.terms.version, str | None)


@router.on("usage.metrics_updated")
def usage_metrics_updated(event: events.UsageMetricsUpdated) -> None:
    assert_type(event.data.metrics, dict[str, int | float])


assert_type(hooks.include(router), None)
