# One image for all: code location, workers, Dagster's UI and daemon, and the command itself; not the Weaviate server.
# What is built comes from the registry of Python's packages alone, what runs by its hash. Nothing in it runs as root, and
# nothing is written but below /data and /tmp.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
RUN python3 -m venv /opt/venv
# The packages first: they stay in the builder's cache when our code alone was changed.
COPY requirements/image.txt requirements/
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/image.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY weaviate_migration weaviate_migration
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps .

FROM ${PYTHON_IMAGE}
# A number for USER below: Kubernetes can tell that a number is not root, and not that a name is not.
RUN groupadd --gid 10001 migration \
    && useradd --uid 10001 --gid migration --home-dir /data --no-create-home migration \
    && install --directory --owner migration --group migration /data /data/dagster_home
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DAGSTER_HOME=/data/dagster_home \
    WEAVIATE_MIGRATION_WORK_DIR=/data/work
WORKDIR /data
USER 10001:10001
# No ENTRYPOINT: Dagster starts runs and steps in this image by commands of its own.
CMD ["weaviate-migration", "--help"]
