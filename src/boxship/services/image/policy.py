"""Who may do what with images: upstream's names. Whose image it is, the operations check: others' are not changed."""

from __future__ import annotations

from boxship.core.auth.rules import Rule

_ADMIN = "role:admin"
_MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
_READER = "role:admin or (role:reader and project_id:%(project_id)s)"

RULES = [
    Rule("add_image", _MEMBER, "Create an image."),
    Rule("get_image", _READER, "Show an image that one sees."),
    Rule("get_images", _READER, "List the images that one sees."),
    Rule("modify_image", _MEMBER, "Change an own image, and its tags."),
    Rule("delete_image", _MEMBER, "Delete an own image."),
    Rule("publicize_image", _ADMIN, "Make an image public."),
    Rule("communitize_image", _MEMBER, "Make an image visible to all who ask for it."),
    Rule("download_image", _READER, "Fetch the bytes of an image that one sees."),
    Rule("upload_image", _MEMBER, "Store the bytes of an own image."),
    Rule("import_image", _MEMBER, "Have the bytes of an own image fetched from a URL."),
    Rule("deactivate", _MEMBER, "Keep everybody but admins from fetching an own image."),
    Rule("reactivate", _MEMBER, "Undo that."),
    Rule("add_member", _MEMBER, "Offer an own shared image to a project."),
    Rule("get_members", _READER, "List the members of an image."),
    Rule("get_member", _READER, "Show a member of an image."),
    Rule("modify_member", _MEMBER, "Accept or reject an image that is offered."),
    Rule("delete_member", _MEMBER, "Withdraw an offer."),
]
