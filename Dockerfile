# syntax=docker/dockerfile:1
# Slipway's image: one program, the four libraries that it needs, and the public authorities. Built here from source; nothing but the base is fetched as
# a binary. Build: docker build --tag slipway .   (deploy/README.md says how to run it)
FROM rust:1.95-bookworm AS build
WORKDIR /src
RUN rustup target add wasm32-unknown-unknown
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo xtask build --release && deploy/image/root.sh target/release/slipway /image

FROM scratch
COPY --from=build /image/ /
# What a volume is mounted over; here so that it works without one.
COPY --from=build --chown=65532:65532 /image/data/ /data/
ENV PATH=/usr/bin SLIPWAY_DATA=/data/slipway
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["/usr/bin/slipway"]
CMD ["serve"]
