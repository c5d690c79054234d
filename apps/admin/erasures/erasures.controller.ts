import { Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ErasureStore } from '#storage';
import { isPlaceholder } from '#telemetry';
import { ErasureOrCount, ErasurePage, OneErasure, SignedCertificate } from './erasures.dto.js';
import { DryRunQuery } from '../http/dry-run.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { InstallationIds } from './installation-ids.js';
import { Documented } from '../http/documented.js';
import {
  EraseOneBody,
  EraseOneQuery,
  ErasureBody,
  ErasureQuery,
  isUuid,
  readErasure,
  readErasureOfOne,
  readErasureQuery,
  readIdempotencyKey,
  type ErasureRequest,
} from '../http/validation.js';

const IS_PLACEHOLDER =
  'is a placeholder that clients without an id send, not an installation. Nothing is stored under it.';

/** Requests erasures, which the workers carry out, and shows their progress. */
@Controller('v1')
export class ErasuresController {
  constructor(
    private readonly erasures: ErasureStore,
    private readonly ids: InstallationIds,
  ) {}

  @Delete('installations/:installationId')
  @Scope('erasures:write')
  @Documented({
    summary: 'Erases an installation',
    about:
      'By default the installation is also suppressed: later events are not stored. `mode` changes that. With `dryRun`, nothing is erased, only counted. Both may be in the query or in the body.',
    status: 202,
    query: EraseOneQuery,
    body: EraseOneBody,
    isBodyOptional: true,
    response: ErasureOrCount,
    refuses: ['idempotency_key_reused'],
  })
  async eraseOne(
    @Param('installationId') raw: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<ErasureOrCount> {
    return this.eraseOrCount(request, readErasureOfOne(raw, query, request.body));
  }

  @Post('erasures')
  @Scope('erasures:write')
  @Documented({
    summary: 'Erases up to 10,000 installations',
    about:
      'Accepts JSON, or CSV with one id per line. With `dryRun`, in the query or in the body, nothing is erased, only counted. A repeated request with the same `Idempotency-Key` returns the same erasure; with another mode or other ids it gets 409.',
    status: 202,
    query: DryRunQuery,
    body: ErasureBody,
    alsoTakes: ['text/csv'],
    response: ErasureOrCount,
    refuses: ['idempotency_key_reused'],
  })
  async erase(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<ErasureOrCount> {
    return this.eraseOrCount(request, readErasure(query, request.body));
  }

  @Get('erasures')
  @Scope('erasures:write')
  @Documented({
    summary: 'Lists erasures and their progress',
    query: ErasureQuery,
    response: ErasurePage,
  })
  async list(@Query() query: Record<string, unknown>): Promise<ErasurePage> {
    const { installationId: raw, ...page } = readErasureQuery(query);
    const named = raw === undefined ? undefined : this.ids.find(raw);
    const installationIds = named && [named.installationId, ...named.formerIds];
    const erasures = await this.erasures.list({ ...page, installationIds });
    const isFull = erasures.length === page.limit;
    return { erasures, next: isFull ? (erasures.at(-1)?.id ?? null) : null };
  }

  @Get('erasures/:id')
  @Scope('erasures:write')
  @Documented({
    summary: 'Gets an erasure and its progress',
    response: OneErasure,
    refuses: ['not_found'],
  })
  async get(@Param('id') id: string): Promise<OneErasure> {
    return { erasure: await this.find(id) };
  }

  @Post('erasures/:id/retry')
  @Scope('erasures:write')
  @Documented({
    summary: 'Resumes a failed erasure',
    about: 'It continues with the step that failed.',
    status: 202,
    response: OneErasure,
    refuses: ['not_found', 'conflict'],
  })
  async retry(@Param('id') id: string, @Req() request: FastifyRequest): Promise<OneErasure> {
    const { state } = await this.find(id);
    const erasure = await this.erasures.retry(id, administratorOf(request));
    if (erasure) return { erasure };
    throw new AdminError('conflict', `The erasure is ${state}. Only a failed one can be retried.`);
  }

  @Get('erasures/:id/certificate')
  @Scope('erasures:write')
  @Documented({
    summary: 'Gets the signed certificate of a completed erasure',
    response: SignedCertificate,
    refuses: ['not_found', 'not_ready'],
  })
  async certificate(@Param('id') id: string): Promise<SignedCertificate> {
    const { state } = await this.find(id);
    const certificate = await this.erasures.certificate(id);
    if (certificate) return certificate;
    throw new AdminError(
      'not_ready',
      `The erasure is ${state}; the certificate is available once it is complete.`,
    );
  }

  private async eraseOrCount(
    request: FastifyRequest,
    { mode, installationIds, isDryRun }: ErasureRequest,
  ): Promise<ErasureOrCount> {
    const subjects = await this.subjectsOf(installationIds);
    if (isDryRun) {
      const { installationIds: ids, formerIds } = subjects;
      return { dryRun: true, rows: await this.erasures.count(ids, formerIds) };
    }
    const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
    const { erasure } = await this.erasures.request(
      { mode, ...subjects, idempotencyKey },
      administratorOf(request),
    );
    return { erasure };
  }

  /** @throws AdminError if an id is invalid, or a placeholder under which nothing is stored */
  private async subjectsOf(raw: readonly string[]) {
    const named = this.ids.findAll(raw);
    for (const [index, { installationId, formerIds }] of named.entries()) {
      if (!isPlaceholder(installationId)) continue;
      const known = await this.erasures.known([installationId, ...formerIds]);
      if (known.length > 0) continue;
      const path = `installationIds[${index}]`;
      throw new AdminError('invalid_request', `${path} ${IS_PLACEHOLDER}`, path);
    }
    return {
      installationIds: named.map(({ installationId }) => installationId),
      formerIds: named.flatMap(({ formerIds }) => formerIds),
    };
  }

  private async find(id: string) {
    const erasure = isUuid(id) ? await this.erasures.get(id) : null;
    if (!erasure) throw new AdminError('not_found', 'Erasure not found.');
    return erasure;
  }
}
