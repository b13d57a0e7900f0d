FROM rust:1-slim-trixie AS build
WORKDIR /source
COPY . .
RUN cargo build --profile dist --locked

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data annograph \
    && install --directory --owner=annograph --group=annograph /data
COPY --from=build /source/target/dist/annograph /usr/local/bin/annograph
USER annograph
WORKDIR /data
VOLUME /data
ENV ANNOGRAPH_LISTEN=0.0.0.0:8000 \
    ANNOGRAPH_DATABASE_URL=sqlite:/data/annograph.db
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["curl", "--fail", "--silent", "http://127.0.0.1:8000/readyz"]
CMD ["annograph", "serve"]
