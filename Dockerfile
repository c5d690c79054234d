# One image for every process; the command says which: ingest (the default),
#   node dist/bundles/worker.js         the worker
#   node dist/apps/worker/migrate.js   brings the database up to date, and ends
# The processes handle SIGTERM themselves and start no children; where process 1 must be an
# init, use `docker run --init`.
# The digest names one build of the tag; raise both together (.github/dependabot.yml proposes it).
ARG NODE_IMAGE=node:24.18.0-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY apps apps
COPY libs libs
COPY tools tools
RUN npm run build \
 # `npm start`, its servers and the tools are for development.
 && rm -rf dist/apps/start dist/libs/devservers dist/tools dist/.tsbuildinfo dist/.sources \
 && npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    INGEST_HOST=0.0.0.0 \
    INGEST_METRICS_HOST=0.0.0.0 \
    WORKER_HEALTH_HOST=0.0.0.0
WORKDIR /app
# package.json holds the doors of the libs (#telemetry and so on).
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY prisma prisma
# A new volume here belongs to whom the folder belongs to: the ledger of erasures.
RUN install -d -m 0700 -o node -g node /var/lib/muster
USER node
EXPOSE 8443
CMD ["node", "dist/bundles/ingest.js"]
