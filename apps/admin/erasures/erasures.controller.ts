import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parseIdList } from '#platform';
import { ErasureStore, type Administrator, type ErasureMode } from '#storage';
import { isPlaceholder } from '#telemetry';
import { DryRunQuery, eitherOf } from '../http/dry-run.js';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import {
  EraseOneBody,
  EraseOneQuery,
  ErasureBody,
  ErasureOrCount,
  ErasurePage,
  ErasureQuery,
  OneErasure,
  SignedCertificate,
} from './erasures.dto.js';
import { InstallationIds } from './installation-ids.js';
import { Documented } from '../http/documented.js';
import { nextAfter } from '../http/fields.js';
import { isUuid } from '../http/validation.js';

const IS_PLACEHOLDER =
  'is a placeholder that clients without an id send, not an installation. Nothing is stored under it.';

const DEFAULT_MODE: ErasureMode = 'erase_and_suppress';

interface ErasureRequest {
  mode?: ErasureMode | undefined;
  installationIds: readonly string[];
  /** Only count rows. */
  isDryRun?: boolean | undefined;
}

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
    isBodyOptional: true,
    response: ErasureOrCount,
    refuses: ['idempotency_key_reused'],
  })
  async eraseOne(
    @Param('installationId') raw: string,
    @Query() query: EraseOneQuery,
    @Body() body: EraseOneBody,
    @Req() request: FastifyRequest,
    @Caller() caller: Administrator,
  ): Promise<ErasureOrCount> {
    const mode = eitherOf('mode', query, body);
    const isDryRun = eitherOf('dryRun', query, body);
    return this.eraseOrCount({ installationIds: [raw], mode, isDryRun }, request, caller);
  }

  @Post('erasures')
  @Scope('erasures:write')
  @Documented({
    summary: 'Erases up to 10,000 installations',
    about:
      'Accepts JSON, or CSV with one id per line. With `dryRun`, in the query or in the body, nothing is erased, only counted. A repeated request with the same `Idempotency-Key` returns the same erasure; with another mode or other ids it gets 409.',
    status: 202,
    csv: (text) => ({ installationIds: parseIdList(text) }),
    response: ErasureOrCount,
    refuses: ['idempotency_key_reused'],
  })
  async erase(
    @Query() query: DryRunQuery,
    @Body() body: ErasureBody,
    @Req() request: FastifyRequest,
    @Caller() caller: Administrator,
  ): Promise<ErasureOrCount> {
    const { mode, installationIds } = body;
    const isDryRun = eitherOf('dryRun', query, body);
    return this.eraseOrCount({ mode, installationIds, isDryRun }, request, caller);
  }

  @Get('erasures')
  @Scope('erasures:write')
  @Documented({
    summary: 'Lists erasures and their progress',
    response: ErasurePage,
  })
  async list(@Query() { installationId: raw, ...page }: ErasureQuery): Promise<ErasurePage> {
    const named = raw === undefined ? undefined : this.ids.find(raw);
    const installationIds = named && [named.installationId, ...named.formerIds];
    const erasures = await this.erasures.list({ ...page, installationIds });
    return { erasures, next: nextAfter(erasures, page.limit) };
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
  async retry(@Param('id') id: string, @Caller() caller: Administrator): Promise<OneErasure> {
    const { state } = await this.find(id);
    const erasure = await this.erasures.retry(id, caller);
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
    { mode = DEFAULT_MODE, installationIds, isDryRun = false }: ErasureRequest,
    { headers }: FastifyRequest,
    caller: Administrator,
  ): Promise<ErasureOrCount> {
    const subjects = await this.subjectsOf(installationIds);
    if (isDryRun) {
      const { installationIds: ids, formerIds } = subjects;
      return { dryRun: true, rows: await this.erasures.count(ids, formerIds) };
    }
    const idempotencyKey = readIdempotencyKey(headers['idempotency-key']);
    const request = { mode, ...subjects, idempotencyKey };
    const { erasure } = await this.erasures.request(request, caller);
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

/** Reads `Idempotency-Key`, whose length is limited by its index. @throws AdminError */
function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  const message = 'Idempotency-Key must be 1 to 255 printable ASCII characters.';
  throw new AdminError('invalid_request', message, 'Idempotency-Key');
}
