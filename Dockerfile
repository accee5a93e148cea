# Two images from one build: `portal` (web, workers, beat, migrations, backups) and `proxy` (nginx with the static files).
# No secret enters a layer: keys and passwords come as files when a container starts, see docs/operations.md.
ARG PYTHON=python:3.11-slim-bookworm
ARG NGINX=nginx:1.28-alpine

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.lock /tmp/
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.lock
WORKDIR /srv/portal
COPY . .
# the key signs nothing: collecting files makes no signature, and the settings want one
RUN STATIC_ROOT=/srv/static SECRET_KEY=used-by-nothing VAR_DIR=/tmp/var \
    /opt/venv/bin/python manage.py collectstatic --noinput -v 0 \
    && /opt/venv/bin/python -m compileall -q . \
    && chmod -R a=rX /srv/static /srv/portal

FROM ${NGINX} AS proxy
COPY --from=build /srv/static /srv/static
COPY ops/nginx.conf.template /etc/nginx/templates/nginx.conf.template
USER nginx
CMD ["nginx", "-c", "/tmp/nginx.conf", "-g", "daemon off;"]

FROM ${PYTHON} AS portal
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portal \
    && install -d -o portal -g portal -m 0700 /var/lib/portal /var/lib/portal/files /var/lib/portal/backups
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/static /srv/static
COPY --from=build /srv/portal /srv/portal
WORKDIR /srv/portal
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    VAR_DIR=/var/lib/portal STATIC_ROOT=/srv/static BIND=0.0.0.0 PORT=8000 ENV_FILE=/dev/null
USER portal
EXPOSE 8000
CMD ["gunicorn", "-c", "python:portal.webserver", "portal.wsgi"]
