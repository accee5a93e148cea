from django.urls import path

from command_room.views import audit, contact, retention, room, saved_filter, search, shift_note, wall

app_name = "command_room"

urlpatterns = [
    path("", room.home, name="home"),
    path("worklist/", room.worklist, name="worklist"),
    path("worklist/rows/", room.worklist_rows, name="worklist-rows"),
    path("board/", room.board, name="board"),
    path("board/columns/", room.board_columns, name="board-columns"),
    path("wall/<str:token>/", wall.screen, name="wall"),
    path("wall/<str:token>/rows/", wall.rows, name="wall-rows"),
    path("wall-links/", wall.link_list, name="wall-links"),
    path("wall-links/<int:pk>/revoke/", wall.link_revoke, name="wall-link-revoke"),
    path("audit/", audit.audit_list, name="audit"),
    path("retention/", retention.overview, name="retention"),
    path("retention/rule/", retention.set_rule, name="retention-rule"),
    path("retention/<int:pk>/confirm/", retention.confirm, name="retention-confirm"),
    path("retention/<int:pk>/decline/", retention.decline, name="retention-decline"),
    path("search/", search.search, name="search"),
    path("contacts/", contact.people, name="person-list"),
    path("contacts/units/", contact.units, name="unit-list"),
    path("filters/", saved_filter.saved_list, name="saved-filter-list"),
    path("filters/save/", saved_filter.save, name="saved-filter-save"),
    path("filters/<int:pk>/rename/", saved_filter.rename, name="saved-filter-rename"),
    path("filters/<int:pk>/delete/", saved_filter.delete, name="saved-filter-delete"),
    path("filters/<int:pk>/default/", saved_filter.default, name="saved-filter-default"),
    path("components/", room.components, name="components"),
    path("shift-notes/", shift_note.note_list, name="shift-note-list"),
    path("shift-notes/write/", shift_note.write, name="shift-note-write"),
    path("shift-notes/<int:pk>/", shift_note.detail, name="shift-note-detail"),
    path("shift-notes/<int:pk>/take/", shift_note.take, name="shift-note-take"),
]
