"""A field of most kinds that Django has, with relations of each kind."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=80, unique=True)
    born = models.DateField(null=True)


class Tag(models.Model):
    slug = models.SlugField(primary_key=True)


class Book(models.Model):
    id = models.UUIDField(primary_key=True)
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    sequel_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    tags = models.ManyToManyField(Tag)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    rating = models.FloatField(null=True)
    in_print = models.BooleanField(default=True)
    added = models.DateTimeField()
    opens = models.TimeField(null=True)
    reading_time = models.DurationField(null=True)
    extra = models.JSONField(default=dict)
    cover = models.BinaryField(null=True)
    seen_from = models.GenericIPAddressField(null=True)
    pages = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["title", "author"], name="one_of_a_title"),)
