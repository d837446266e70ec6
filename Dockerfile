# The service as an image: no root, no package manager in what runs, nothing written outside of
# /tmp and /var/lib/mbm, so that the root file system may be read-only.
#
#   docker build -t mbm .

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What running needs, and nothing of the tests, as the lock has it: versions and hashes. This layer
# stays until they change.
COPY requirements.lock pyproject.toml .ci/runtime.py ./
RUN python -m venv --without-pip /opt/mbm \
    && python runtime.py <requirements.lock >runtime.lock \
    && python -m pip --python /opt/mbm/bin/python install --no-deps --require-hashes -r runtime.lock
COPY README.md LICENSE ./
COPY monitor monitor
COPY dashboards dashboards
# What only building needs goes again, and so do the tests that libraries bring along.
RUN python -m pip --python /opt/mbm/bin/python install --no-deps --no-build-isolation . \
    && python -m pip --python /opt/mbm/bin/python uninstall --yes editables hatchling trove-classifiers \
    && find /opt/mbm -depth -type d -name tests -exec rm -r {} + \
    && /opt/mbm/bin/mbm --version

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 mbm \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mbm \
    && install -d -o 10001 -g 10001 /var/lib/mbm /etc/mbm/cards
COPY --from=build /opt/mbm /opt/mbm
# numba keeps what it compiles, half a minute of work, in the one folder that can be written.
ENV PATH=/opt/mbm/bin:$PATH \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MBM_CONFIG=/etc/mbm/settings/service.yaml
USER 10001:10001
WORKDIR /var/lib/mbm
EXPOSE 9464 9465 9466 9467
# Of `mbm run` and `mbm serve`, once serve.listen is 0.0.0.0:9464. Parts that run apart have their
# own in compose.yaml, and probes in the Helm chart.
HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=5)"]
ENTRYPOINT ["mbm"]
CMD ["run"]
