# A static binary and nothing else; it runs as nobody and needs no network.
# `--live` and `-k` call kubectl, which is not in here.
#
#   docker build -t podreach .
#   docker run --rm -v "$PWD:/work:ro" podreach lint -f deploy
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags='-s -w' -o /podreach ./cmd/podreach

FROM scratch
COPY --from=build /podreach /usr/local/bin/podreach
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/podreach"]
