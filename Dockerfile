FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libpq-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Build only the dependencies first. Docker caches this layer until they change.
COPY Cargo.toml Cargo.lock build.rs ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --profile dist --locked \
    && rm -r src
COPY migrations migrations
COPY src src
# Make the copied sources newer than the empty ones above, or cargo would not rebuild them.
RUN touch src/main.rs src/lib.rs build.rs && cargo build --profile dist --locked

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home contact-search
COPY --from=build /src/target/dist/contact-search /usr/local/bin/contact-search
USER contact-search
ENV CONTACT_SEARCH_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
# With a certificate the server speaks HTTPS, and bash does not: then it only looks whether the port is open.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && { [ -n \"$CONTACT_SEARCH_TLS_CERT\" ] || { printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '; }; }"]
ENTRYPOINT ["contact-search"]
CMD ["serve"]
