# Build: the wheel and its locked dependencies into one virtual environment.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/pms-sync
COPY requirements.lock ./
RUN /opt/pms-sync/bin/pip install --require-hashes -r requirements.lock
COPY . .
RUN /opt/pms-sync/bin/pip install --no-deps --no-build-isolation .

# Run: no compiler, no source, no root. The only writable place is /data; the root file system may be read-only.
FROM python:3.11-slim
RUN groupadd --gid 10001 pms && useradd --uid 10001 --gid pms --no-create-home --home-dir /data pms \
    && install --directory --owner=pms --group=pms --mode=0700 /data
COPY --from=build /opt/pms-sync /opt/pms-sync
ENV PATH=/opt/pms-sync/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PMS_SYNC_DATA_DIR=/data \
    PMS_SYNC_BIND=0.0.0.0:8080
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["pms-sync"]
CMD ["run"]
