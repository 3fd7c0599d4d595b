"""Taking posts."""

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from .live import announce
from .models import Post


@require_POST
@transaction.atomic
def add_post(request: HttpRequest) -> JsonResponse:
    """Keep a post; the transaction ends, well or badly, with the view."""
    post = Post.objects.create(text=request.POST["text"])
    announce(post)
    if not post.text:
        raise ValueError("nobody said anything")
    return JsonResponse({"id": post.pk}, status=201)
