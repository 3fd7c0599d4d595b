"""What is posted."""

from django.db import models


class Post(models.Model):
    """A text of somebody's."""

    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text
