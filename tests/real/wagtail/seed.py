"""Fill the CMS through Wagtail's own models: the same rows at every run.

Sixty pages under the generated home page, each with three revisions; twelve editors, thirty pictures and documents in
six collections, redirects, private pages, pages in a workflow, locked pages and aliases.
"""

from io import BytesIO

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models exist after setup()
from django.contrib.auth.models import Group  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from home.models import HomePage  # noqa: E402
from PIL import Image as Pillow  # noqa: E402
from wagtail.contrib.redirects.models import Redirect  # noqa: E402
from wagtail.documents.models import Document  # noqa: E402
from wagtail.images.models import Image  # noqa: E402
from wagtail.models import Collection, GroupPagePermission, PageViewRestriction, Workflow  # noqa: E402


def people():
    """Return the superuser and twelve editors, whose password is ``real-sites``."""
    manager = get_user_model().objects
    staff = manager.create_superuser("staff", "staff@example.com", "real-sites", first_name="Sam")
    editors = [
        manager.create_user(
            f"editor{n}", f"editor{n}@example.com", "real-sites", first_name=f"E{n}"
        )
        for n in range(12)
    ]
    for n, editor in enumerate(editors):
        editor.groups.add(Group.objects.get(name=("Editors", "Moderators")[n % 2]))
    return staff, editors


def pages(home, staff, editors):
    """Return sixty pages: six sections of nine pages each, every one edited twice and then published."""
    tree = []
    for n in range(6):
        section = home.add_child(
            instance=HomePage(title=f"Section {n}", slug=f"section-{n}", owner=editors[n])
        )
        tree.append(section)
        for c in range(9):
            title = f"Page {n}.{c}"
            page = section.add_child(
                instance=HomePage(
                    title=title,
                    slug=f"page-{n}-{c}",
                    owner=editors[c],
                    live=False,
                    show_in_menus=True,
                )
            )
            for step in range(3):
                page.search_description = f"All about {title}, as told the {step + 1}. time"
                revision = page.save_revision(user=editors[(c + step) % 12], log_action=True)
            if c != 8:
                revision.publish(user=staff)
            tree.append(page)
    return tree


def media(staff):
    """Upload thirty pictures and thirty documents into six collections."""
    root = Collection.get_first_root_node()
    collections = [root.add_child(name=f"Collection {n}") for n in range(6)]
    for n in range(30):
        content = BytesIO()
        Pillow.new("RGB", (160, 120), (n * 37 % 256, n * 91 % 256, 80)).save(content, "PNG")
        picture = Image(
            title=f"Picture {n}",
            file=ContentFile(content.getvalue(), name=f"picture-{n:02}.png"),
            collection=collections[n % 6],
            uploaded_by_user=staff,
        )
        picture.save()
        picture.tags.add("tag", f"tag-{n % 4}")
        Document.objects.create(
            title=f"Document {n}",
            file=ContentFile(f"Document {n}".encode(), name=f"document-{n:02}.txt"),
            collection=collections[n % 6],
            uploaded_by_user=staff,
        )


def editing(home, tree, staff, editors):
    """Leave some pages in a workflow, locked, private, redirected to or aliased, as a site in use has."""
    workflow = Workflow.objects.get(name="Moderators approval")
    for page in tree[1:60:5]:
        page.save_revision(user=editors[1])
        workflow.start(page, editors[1])
    for page in tree[2:60:6]:
        page.locked, page.locked_by, page.locked_at = True, staff, timezone.now()
        page.save()
    for n, page in enumerate(tree[3:60:4]):
        Redirect.objects.create(old_path=f"/old-{n}", redirect_page=page)
    PageViewRestriction.objects.create(page=tree[10], restriction_type="login")
    for page in tree[4:20:4]:
        page.create_alias(parent=home, update_slug=f"alias-{page.pk}", user=staff)
    for group in Group.objects.all():
        GroupPagePermission.objects.get_or_create(
            group=group, page=tree[0], permission=GroupPagePermission._meta.get_field("permission")
            .related_model.objects.get(codename="change_page", content_type__app_label="wagtailcore"),
        )  # fmt: skip


def main() -> None:
    """Seed an empty, migrated database."""
    with transaction.atomic():
        home = HomePage.objects.get()
        staff, editors = people()
        tree = pages(home, staff, editors)
        media(staff)
        editing(home, tree, staff, editors)


main()
