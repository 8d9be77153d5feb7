# chat2ga in a container: `docker build -t chat2ga .`, then `docker run chat2ga --help`.
# Nothing is installed but what the locked files name with its hash; the image runs as nobody in particular.

# With a C compiler, which the slim one lacks: the core is compiled (docs/decisions/0012-compiled-core.md).
FROM python:3.12 AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The build's own tools stay in this stage.
COPY constraints.txt ./
RUN python -m pip install --quiet --require-hashes --only-binary :all: --requirement constraints.txt
COPY deploy/requirements.txt deploy/
RUN python -m venv /opt/chat2ga \
    && /opt/chat2ga/bin/python -m pip install --quiet --require-hashes --only-binary :all: --requirement deploy/requirements.txt
# Last, as it changes most: the layers above stay.
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY schemas schemas
COPY streams streams
COPY tools/compile_hook.py tools/
RUN CHAT2GA_COMPILE=1 python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/chat2ga/bin/python -m pip install --quiet --no-deps --no-index /wheels/chat2ga-*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --user-group --no-log-init --create-home --home-dir /var/lib/chat2ga chat2ga
COPY --from=build /opt/chat2ga /opt/chat2ga
ENV PATH=/opt/chat2ga/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHAT2GA_STATE_DIR=/var/lib/chat2ga/state \
    CHAT2GA_HTTP_HOST=0.0.0.0 \
    CHAT2GA_HTTP_PORT=6066 \
    CHAT2GA_LOG_FORMAT=json
USER chat2ga
WORKDIR /var/lib/chat2ga
# The local store. It is worth keeping, as a start then reads no more of the changelog than it has missed; losing it loses nothing.
VOLUME /var/lib/chat2ga
EXPOSE 6066
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['CHAT2GA_HTTP_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["chat2ga"]
CMD ["worker"]
