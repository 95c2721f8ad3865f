from django.urls import path

from studio import design_views, draft_views, prompt_views

app_name = "studio"
urlpatterns = [
    path("", draft_views.start, name="start"),
    path("drafts/<int:copy_id>/", draft_views.edit, name="edit"),
    path("drafts/<int:copy_id>/typed/", draft_views.typed, name="typed"),
    path("drafts/<int:copy_id>/study.toml", draft_views.file, name="draft_file"),
    path("drafts/<int:copy_id>/discard/", draft_views.discard, name="discard"),
    path("drafts/<int:copy_id>/prompts/", prompt_views.prompts, name="prompts"),
    path("preview/<slug:key>/", design_views.preview, name="preview"),
    path("studies/<slug:slug>/", design_views.design, name="design"),
    path("studies/<slug:slug>/study.toml", design_views.file, name="file"),
    path("studies/<slug:slug>/edit/", design_views.revise, name="revise"),
    path("studies/<slug:slug>/version/", design_views.new_version, name="version"),
    path("studies/<slug:slug>/open/", design_views.open_study, name="open"),
    path("studies/<slug:slug>/close/", design_views.close_study, name="close"),
    path("studies/<slug:slug>/delete/", design_views.delete, name="delete"),
]
