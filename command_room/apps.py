from django.apps import AppConfig


class CommandRoomConfig(AppConfig):
    name = "command_room"
    verbose_name = "指挥室"
