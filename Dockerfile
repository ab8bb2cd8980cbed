# One small image for every role: the binary, certificates, and a user without rights.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package understudy \
    && install -D target/release/understudy /out/understudy

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/understudy --create-home understudy \
    && install -d -o understudy -g understudy -m 0700 /var/lib/understudy/spool /var/lib/understudy/keys
COPY --from=build /out/understudy /usr/local/bin/understudy
USER understudy
WORKDIR /var/lib/understudy
VOLUME ["/var/lib/understudy/spool", "/var/lib/understudy/keys"]
ENTRYPOINT ["understudy"]
CMD ["--help"]
