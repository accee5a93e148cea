from django.urls import path

from enforcement.views import dispatch, event, returns, whistle

app_name = "enforcement"

urlpatterns = [
    path("events/", event.EventList.as_view(), name="event-list"),
    path("events/report/", event.report, name="event-report"),
    path("events/categories/", event.category_search, name="category-search"),
    path("events/<int:pk>/", event.EventDetail.as_view(), name="event-detail"),
    path("events/<int:pk>/verify/", event.verify, name="event-verify"),
    path("events/<int:pk>/settle/", event.settle, name="event-settle"),
    path("events/<int:pk>/squad/", event.hand_to_squad, name="event-squad"),
    path("events/<int:pk>/dismiss/", event.dismiss, name="event-dismiss"),
    path("events/<int:pk>/caller/", event.caller, name="event-caller"),
    path("events/<int:pk>/claim/", event.claim, name="event-claim"),
    path("events/<int:pk>/whistle/", whistle.submit, name="whistle-submit"),
    path("whistles/", whistle.WhistleList.as_view(), name="whistle-list"),
    path("whistles/<int:pk>/", whistle.WhistleDetail.as_view(), name="whistle-detail"),
    path("whistles/<int:pk>/approve/", whistle.approve, name="whistle-approve"),
    path("whistles/<int:pk>/reject/", whistle.reject, name="whistle-reject"),
    path("whistles/<int:pk>/confirm/", whistle.confirm_emergency, name="whistle-confirm"),
    path("whistles/<int:pk>/close/", whistle.close, name="whistle-close"),
    path("whistles/<int:pk>/claim/", whistle.claim, name="whistle-claim"),
    path("dispatches/", dispatch.DispatchList.as_view(), name="dispatch-list"),
    path("dispatches/<int:pk>/", dispatch.DispatchDetail.as_view(), name="dispatch-detail"),
    path("dispatches/<int:pk>/sign/", dispatch.sign, name="dispatch-sign"),
    path("dispatches/<int:pk>/assign/", dispatch.assign, name="dispatch-assign"),
    path("dispatches/<int:pk>/arrive/", dispatch.arrive, name="dispatch-arrive"),
    path("dispatches/<int:pk>/interim/", dispatch.report_interim, name="dispatch-interim"),
    path("dispatches/<int:pk>/report/", dispatch.report_back, name="dispatch-report"),
    path("dispatches/<int:pk>/remark/", dispatch.remark, name="dispatch-remark"),
    path("dispatches/<int:pk>/rework/", dispatch.rework, name="dispatch-rework"),
    path("dispatches/<int:pk>/return/", returns.ask, name="dispatch-return"),
    path("dispatches/<int:pk>/return/agree/", returns.agree, name="return-agree"),
    path("dispatches/<int:pk>/return/decline/", returns.decline, name="return-decline"),
    path("dispatches/<int:pk>/return/arbitrate/", returns.arbitrate, name="return-arbitrate"),
    path("dispatches/<int:pk>/claim/", dispatch.claim, name="dispatch-claim"),
]
