# CPU image: `docker build -t mining-the-mines .`, then
# `docker run --rm -v "$PWD/data:/project/data" mining-the-mines run --pipelines=training`
FROM python:3.11-slim-bookworm

ENV DO_NOT_TRACK=1 PYTHONUNBUFFERED=1 PATH="/project/.venv/bin:$PATH"

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make=4.3-4.1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 mines

WORKDIR /project
RUN chown 1000:1000 /project
USER 1000

COPY --chown=1000:1000 pyproject.toml requirements.lock README.md LICENSE Makefile ./
COPY --chown=1000:1000 src ./src
COPY --chown=1000:1000 conf ./conf
COPY --chown=1000:1000 data/README.md ./data/README.md
RUN make .venv/.ready TORCH=cpu

ENTRYPOINT ["kedro"]
CMD ["--help"]
