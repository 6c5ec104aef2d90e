"""Create the tables and a logged-in user; print the key of the session."""

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create(username="demo"))
    print(client.cookies["sessionid"].value)
