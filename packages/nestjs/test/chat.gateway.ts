/** A gateway with everything that NestJS has for one, and what it saw. */
import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type WsResponse,
} from '@nestjs/websockets'
import type { Namespace, Server, Socket } from '@roomful/socket.io'
import { from, map, type Observable } from 'rxjs'
import type { BareClient } from '../src/index.ts'

type Client = Socket | BareClient

class Upper implements PipeTransform {
  transform(text: unknown): string {
    if (typeof text !== 'string') throw new WsException('A text, please')
    return text.toUpperCase()
  }
}

@Injectable()
class WithName implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<Client>()
    return client.handshake.auth.token === 'let me in' || client.handshake.query.name === 'ann'
  }
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_: ExecutionContext, next: { handle(): Observable<unknown> }): Observable<unknown> {
    return next.handle().pipe(map((value) => ({ wrapped: value })))
  }
}

@Catch(RangeError)
class AsRange implements ExceptionFilter {
  catch({ message }: RangeError, host: ArgumentsHost): void {
    host.switchToWs().getClient<Client>().emit('exception', { status: 'error', code: 'OUT_OF_RANGE', message })
  }
}

@WebSocketGateway({ cors: { origin: '*' } })
export class ChatGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer()
  server!: Server
  readonly seen: string[] = []

  afterInit(server: Server): void {
    this.seen.push(`init ${typeof server.emit}`)
  }

  async handleConnection(client: Client): Promise<void> {
    this.seen.push(`connect ${client.handshake.query.name}`)
    await client.join('lobby')
    client.emit('ready', client.id)
  }

  handleDisconnect(client: Client): void {
    this.seen.push(`disconnect ${client.handshake.query.name}`)
  }

  @SubscribeMessage('say')
  say(@ConnectedSocket() client: Client, @MessageBody() text: string): string {
    client.to('lobby').emit('said', { text })
    return `said ${text}`
  }

  @SubscribeMessage('store')
  store(@MessageBody() text: string): string {
    this.server.to('lobby').emit('message:new', { text })
    return 'stored'
  }

  @SubscribeMessage('shout')
  shout(@MessageBody(new Upper()) text: string): string {
    return text
  }

  @UseGuards(WithName)
  @SubscribeMessage('guarded')
  guarded(): string {
    return 'in'
  }

  @UseInterceptors(Wrap)
  @SubscribeMessage('wrapped')
  wrapped(): string {
    return 'inner'
  }

  @UseFilters(AsRange)
  @SubscribeMessage('range')
  range(): string {
    throw new RangeError('Too far')
  }

  @SubscribeMessage('event')
  event(@MessageBody() n: number): WsResponse<number> {
    return { event: 'doubled', data: n * 2 }
  }

  @SubscribeMessage('several')
  several(): Observable<WsResponse<number>> {
    return from([1, 2, 3]).pipe(map((data) => ({ event: 'one-of-several', data })))
  }

  @SubscribeMessage('later')
  async later(): Promise<string> {
    return 'later'
  }
}

@WebSocketGateway({ namespace: 'news' })
export class NewsGateway {
  @WebSocketServer()
  server!: Namespace

  @SubscribeMessage('where')
  where(@ConnectedSocket() { nsp }: Client): string {
    return nsp.name
  }
}
