/*
 * A fleet of WebSocket clients that publish and count, on one thread with epoll: cheap enough that a server on the other
 * core is what is measured. Node's own clients would be the bottleneck. It connects to this machine only.
 *
 * Client i is in room i / members and connects to port i % ports, so that every room is spread over all nodes. The last
 * `publishers` clients of a room publish. A message is a template:
 *
 *   %r  the room, five digits      %n  number of this client's request, from 1
 *   %k  a UUIDv7                   %b  the body: JSON of `size` bytes with number, publisher and time of sending
 *   %t  the same as a text: with ' for ", so that it needs no escapes within a JSON string
 *
 * Each receiver checks that the bodies of each publisher come in the order of their numbers, none left out. With --acks,
 * each publisher checks the same for the `"ack":<number>` of its requests, and these open its window instead of its own
 * deliveries.
 *
 * With --deflate, all but the publishers offer compression; a compressed message is counted and not read, so there is one
 * publisher. With --paths, client i asks for line i of that file.
 *
 * One line of JSON on standard output. Exit code 1: the result breaks a promise (see `faults`); 2: it could not run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_PORTS 16
#define MAX_PIDS 20
#define MAX_STEPS 8
#define MAX_PIECES 16
#define READ_BYTES (1 << 20)
#define SEND_BYTES (1 << 16)
#define CONNECTING_AT_ONCE 64
#define MAX_SAMPLES (1 << 22)
#define FIRST_NUMBER 1000000000ull /* so that each number has ten digits */
#define DRAIN_US 5000000ull /* without anything that came */

enum stage { CONNECTING, UPGRADING, ENTERING, READY, GONE };

struct client {
  int fd, index, room, step, publisher; /* publisher: number among all publishers, or -1 */
  enum stage stage;
  bool waits_to_write;
  char *unread, *unwritten;
  size_t unread_bytes, unread_room, unwritten_bytes, unwritten_room;
  uint32_t *received; /* per publisher of the room: the latest number */
  uint32_t sent, returned, acked;
  uint64_t *sent_at; /* ring, for acknowledgements */
};

struct step { const char *send, *expect; };
struct piece { char kind; const char *text; size_t length; };
struct samples { uint32_t *us; size_t count; };

static int ports[MAX_PORTS], port_count, pids[MAX_PIDS], pid_count, step_count, piece_count;
static struct step steps[MAX_STEPS];
static struct piece pieces[MAX_PIECES];
static const char *path = "/", *ping, *pong;
static int client_count = 2, members = 2, publishers = 1, window = 1, size = 128;
static double rate, seconds = 3, warm_up_seconds = 1;
static bool count_acks, offer_deflate;
static char **paths;
static int path_count;
static char quote = '"'; /* in bodies */

static struct client *clients, **senders;
static int sender_count, opened, entering, ready, lost, poller;
static bool sending, measuring, draining;
static char *reading;
static uint64_t deliveries, acks, published, gaps, reorders, received_bytes;
static struct samples delivered_after, crossed_after, acked_after;
#define RING 65536u

static void stop(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(2);
}

static uint64_t clock_us(clockid_t id) {
  struct timespec now;
  clock_gettime(id, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t now_us(void) { return clock_us(CLOCK_MONOTONIC); }

static void sample(struct samples *into, uint64_t us) {
  if (into->us == NULL) into->us = malloc(MAX_SAMPLES * sizeof *into->us);
  if (measuring && into->count < MAX_SAMPLES) into->us[into->count++] = us;
}

static uint64_t digits(const char *text, int count) {
  uint64_t value = 0;
  while (count-- > 0) value = value * 10 + (*text++ - '0');
  return value;
}

/* ---- sending ---- */

static void lose(struct client *client, const char *why) {
  if (client->stage == GONE) return;
  if (lost++ < 5) fprintf(stderr, "client %d is gone: %s (%s)\n", client->index, why, strerror(errno));
  if (client->stage == READY) ready--;
  else entering--;
  client->stage = GONE;
  close(client->fd);
}

static void watch(struct client *client, bool writable, int operation) {
  if (operation == EPOLL_CTL_MOD && client->waits_to_write == writable) return;
  client->waits_to_write = writable;
  struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = client};
  epoll_ctl(poller, operation, client->fd, &event);
}

static void keep(char **buffer, size_t *length, size_t *room, const char *bytes, size_t count) {
  if (*length + count > *room) *buffer = realloc(*buffer, *room = (*length + count) * 2);
  memcpy(*buffer + *length, bytes, count);
  *length += count;
}

static void write_bytes(struct client *client, const char *bytes, size_t count) {
  if (client->unwritten_bytes == 0) {
    ssize_t written = send(client->fd, bytes, count, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) return lose(client, "write");
    if (written > 0) bytes += written, count -= written;
    if (count == 0) return;
  }
  keep(&client->unwritten, &client->unwritten_bytes, &client->unwritten_room, bytes, count);
  watch(client, true, EPOLL_CTL_MOD);
}

static void write_rest(struct client *client) {
  ssize_t written = send(client->fd, client->unwritten, client->unwritten_bytes, MSG_NOSIGNAL);
  if (written < 0) {
    if (errno != EAGAIN) lose(client, "write");
    return;
  }
  client->unwritten_bytes -= written;
  memmove(client->unwritten, client->unwritten + written, client->unwritten_bytes);
  if (client->unwritten_bytes == 0) watch(client, false, EPOLL_CTL_MOD);
}

/* RFC 6455, section 5.2; masked with zeros, which leaves the text as it is. */
static void send_frame(struct client *client, int opcode, const char *text, size_t length) {
  static char frame[SEND_BYTES + 8];
  size_t head = 0;
  if (length > SEND_BYTES) stop("A message of %zu bytes is too long", length);
  frame[head++] = 0x80 | opcode;
  if (length < 126) frame[head++] = 0x80 | length;
  else {
    frame[head++] = 0x80 | 126;
    frame[head++] = length >> 8;
    frame[head++] = length;
  }
  memset(frame + head, 0, 4);
  memcpy(frame + head + 4, text, length);
  write_bytes(client, frame, head + 4 + length);
}

static size_t write_body(char *to, const struct client *client, uint64_t at) {
  int length = sprintf(to, "{%cs%c:%010llu,%cp%c:%c%05d%c,%ct%c:%c%016llu%c,%cx%c:%c", quote, quote,
                       (unsigned long long)(FIRST_NUMBER + client->sent), quote, quote, quote, client->publisher, quote,
                       quote, quote, quote, (unsigned long long)at, quote, quote, quote, quote);
  for (; length < size - 2; length++) to[length] = 'a' + length % 26;
  to[length++] = quote;
  to[length++] = '}';
  return length;
}

static size_t write_key(char *to) {
  static uint64_t entropy[1024];
  static unsigned used = 1024;
  if (used == 1024) {
    if (getrandom(entropy, sizeof entropy, 0) != sizeof entropy) stop("No randomness");
    used = 0;
  }
  uint64_t ms = clock_us(CLOCK_REALTIME) / 1000, high = entropy[used++], low = entropy[used++];
  return sprintf(to, "%08llx-%04llx-7%03llx-%04llx-%012llx", (unsigned long long)(ms >> 16),
                 (unsigned long long)(ms & 0xffff), (unsigned long long)(high & 0xfff),
                 (unsigned long long)(0x8000 | (high >> 12 & 0x3fff)), (unsigned long long)(low & 0xffffffffffffull));
}

static size_t fill_in(char *to, const struct client *client, uint64_t at) {
  char *end = to;
  for (int i = 0; i < piece_count; i++) {
    const struct piece *piece = &pieces[i];
    if (piece->kind == 'r') end += sprintf(end, "%05d", client->room);
    else if (piece->kind == 'n') end += sprintf(end, "%u", client->sent);
    else if (piece->kind == 'k') end += write_key(end);
    else if (piece->kind == 'b' || piece->kind == 't') end += write_body(end, client, at);
    else end = (char *)mempcpy(end, piece->text, piece->length);
  }
  return end - to;
}

/* at: the moment from which its latency counts; at a fixed rate that is when it was due. */
static void publish(struct client *client, uint64_t at) {
  static char text[SEND_BYTES];
  if (client->stage != READY) return;
  client->sent++;
  published++;
  if (count_acks) client->sent_at[client->sent % RING] = at;
  send_frame(client, 1, text, fill_in(text, client, at));
}

static void fill_window(struct client *client) {
  if (!sending || rate > 0 || client->publisher < 0) return;
  uint64_t now = now_us();
  while (client->stage == READY && client->sent - (count_acks ? client->acked : client->returned) < (uint32_t)window)
    publish(client, now);
}

/* ---- receiving ---- */

static void enter(struct client *client) {
  char text[1024];
  if (client->step < step_count) {
    const struct step *step = &steps[client->step];
    size_t length = 0;
    for (const char *from = step->send; *from != 0; from++) {
      if (from[0] == '%' && from[1] == 'r') length += sprintf(text + length, "%05d", client->room), from++;
      else text[length++] = *from;
    }
    if (length > 0) send_frame(client, 1, text, length);
    return;
  }
  client->stage = READY;
  entering--;
  ready++;
}

static void check_order(uint32_t *latest, uint32_t number) {
  if (number == *latest + 1) *latest = number;
  else if (number > *latest) {
    gaps += number - *latest - 1;
    *latest = number;
  } else reorders++;
}

static void receive_body(struct client *client, const char *body, uint64_t now) {
  uint32_t number = digits(body + 4, 10) - FIRST_NUMBER;
  int publisher = digits(body + 20, 5);
  uint64_t after = now - digits(body + 32, 16);
  const struct client *sender = publisher < sender_count ? senders[publisher] : NULL;
  if (sender == NULL || sender->room != client->room) stop("Client %d got what is not of its room", client->index);
  deliveries++;
  check_order(&client->received[publisher % publishers], number);
  sample(&delivered_after, after);
  if (sender->index % port_count != client->index % port_count) sample(&crossed_after, after);
  if (sender == client) client->returned++;
}

static void receive_ack(struct client *client, const char *number, uint64_t now) {
  uint32_t acked = strtoul(number, NULL, 10);
  acks++;
  sample(&acked_after, now - client->sent_at[acked % RING]);
  check_order(&client->acked, acked);
}

static void receive_text(struct client *client, const char *text, size_t length, uint64_t now) {
  if (ping != NULL && length == strlen(ping) && memcmp(text, ping, length) == 0)
    return send_frame(client, 1, pong, strlen(pong));
  if (client->stage == ENTERING) {
    const char *expected = steps[client->step].expect;
    if (memmem(text, length, expected, strlen(expected)) == NULL) return;
    client->step++;
    return enter(client);
  }
  const char *end = text + length, *at = text;
  bool found = false;
  const char mark[] = {quote, 's', quote, ':', '1'};
  while ((at = memmem(at, end - at, mark, sizeof mark)) != NULL && end - at >= 48) {
    receive_body(client, at, now);
    found = true;
    at += 48;
  }
  if (!found && count_acks && (at = memmem(text, length, "\"ack\":", 6)) != NULL) receive_ack(client, at + 6, now);
}

/* Returns how many bytes of a whole frame it used, or 0 when the frame is not whole. */
static size_t receive_frame(struct client *client, const char *bytes, size_t length, uint64_t now) {
  const uint8_t *head = (const uint8_t *)bytes;
  if (length < 2) return 0;
  size_t at = 2, payload = head[1] & 127;
  if (payload == 126) {
    if (length < 4) return 0;
    payload = head[2] << 8 | head[3];
    at = 4;
  } else if (payload == 127) {
    if (length < 10) return 0;
    for (payload = 0; at < 10; at++) payload = payload << 8 | head[at];
  }
  if (payload > READ_BYTES / 2) stop("A frame of %zu bytes is too long", payload);
  if (length < at + payload) return 0;
  int opcode = head[0] & 15;
  received_bytes += at + payload;
  if (head[0] & 0x40) {
    if (client->stage == ENTERING) { /* what is long enough to be compressed is what it waits for */
      client->step++;
      enter(client);
    } else if (sending || draining) {
      deliveries++;
      client->received[0]++;
    }
  } else if (opcode <= 2) receive_text(client, bytes + at, payload, now);
  else if (opcode == 9) send_frame(client, 10, bytes + at, payload);
  else if (opcode == 8) lose(client, "closed by the server");
  return at + payload;
}

static size_t receive_upgrade(struct client *client, const char *bytes, size_t length) {
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  if (strncmp(bytes, "HTTP/1.1 101", 12) != 0) stop("The server refused a client: %.60s", bytes);
  client->stage = ENTERING;
  enter(client);
  return end + 4 - bytes;
}

static void read_bytes(struct client *client) {
  size_t length = client->unread_bytes;
  memcpy(reading, client->unread, length);
  ssize_t count = recv(client->fd, reading + length, READ_BYTES - length, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return lose(client, count == 0 ? "closed" : "read");
  length += count;
  client->unread_bytes = 0;
  uint64_t now = now_us();
  size_t used = 0, next;
  do {
    next = client->stage == UPGRADING ? receive_upgrade(client, reading + used, length - used)
                                      : receive_frame(client, reading + used, length - used, now);
    used += next;
  } while (next > 0 && client->stage != GONE);
  if (client->stage == GONE) return;
  if (used < length) keep(&client->unread, &client->unread_bytes, &client->unread_room, reading + used, length - used);
  fill_window(client);
}

/* ---- connecting ---- */

static void open_client(struct client *client) {
  int yes = 1;
  int port = ports[client->index % port_count];
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0) stop("No socket: %s", strerror(errno));
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
    stop("No connection to port %d: %s", port, strerror(errno));
  client->stage = CONNECTING;
  entering++;
  watch(client, true, EPOLL_CTL_ADD);
}

static void ask_for_upgrade(struct client *client) {
  char request[2048];
  bool offers = offer_deflate && client->publisher < 0;
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cm9vbWZ1bHJvb21mdWxybw==\r\n%s\r\n",
                        path_count > 0 ? paths[client->index % path_count] : path,
                        offers ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  if (length >= (int)sizeof request) stop("A path is too long");
  client->stage = UPGRADING;
  watch(client, false, EPOLL_CTL_MOD);
  write_bytes(client, request, length);
}

static void on_writable(struct client *client) {
  if (client->stage != CONNECTING) return write_rest(client);
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  errno = error;
  if (error != 0) lose(client, "connect");
  else ask_for_upgrade(client);
}

static void turn(uint64_t wait_us) {
  static struct epoll_event events[1024];
  struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
  int count = epoll_pwait2(poller, events, 1024, &wait, NULL);
  if (count < 0 && errno != EINTR) stop("epoll: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    struct client *client = events[i].data.ptr;
    if (client->stage != GONE && events[i].events & EPOLLOUT) on_writable(client);
    if (client->stage != GONE && client->stage != CONNECTING && events[i].events & ~EPOLLOUT) read_bytes(client);
  }
}

static double entered_per_second;

static void open_all(void) {
  uint64_t from = now_us(), until = from + 30000000;
  while (ready + lost < client_count) {
    while (opened < client_count && entering < CONNECTING_AT_ONCE) open_client(&clients[opened++]);
    turn(20000);
    if (now_us() > until) stop("Only %d of %d clients entered their room in 30 s", ready, client_count);
  }
  if (lost > 0) stop("%d of %d clients could not enter their room", lost, client_count);
  entered_per_second = client_count / ((now_us() - from) / 1e6);
}

/* ---- measuring ---- */

static double cpu_seconds(int pid) {
  char name[64], text[1024];
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  FILE *file = fopen(name, "r");
  if (file == NULL) stop("Process %d is gone", pid);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  unsigned long user = 0, system = 0;
  const char *fields = strrchr(text, ')');
  if (fields == NULL || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    stop("Cannot read %s", name);
  return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static double own_cpu_seconds(void) { return clock_us(CLOCK_PROCESS_CPUTIME_ID) / 1e6; }

static int by_size(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return (a > b) - (a < b);
}

static void print_latency(const char *name, struct samples *of) {
  if (of->count == 0) {
    printf(",\"%s\":null", name);
    return;
  }
  qsort(of->us, of->count, sizeof *of->us, by_size);
  printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, of->us[of->count / 2] / 1e3,
         of->us[(size_t)(of->count * 0.99)] / 1e3, of->us[of->count - 1] / 1e3);
}

/* How long the loop may sleep, after what is due at a fixed rate is sent. */
static uint64_t send_what_is_due(uint64_t started) {
  static uint64_t sent;
  if (rate <= 0) return 20000;
  for (;;) {
    uint64_t due = started + (uint64_t)(sent / rate * 1e6), now = now_us();
    if (due > now) return due - now;
    publish(senders[sent++ % sender_count], due);
  }
}

static uint64_t missing(void) {
  uint64_t count = 0;
  for (int i = 0; i < sender_count; i++) {
    const struct client *sender = senders[i];
    if (count_acks) count += sender->sent - sender->acked;
    if (members == 1 && count_acks) continue; /* publishes only, and rooms are empty */
    for (int j = 0; j < members; j++)
      count += sender->sent - clients[sender->room * members + j].received[sender->publisher % publishers];
  }
  return count;
}

static void measure(void) {
  double cpu[MAX_PIDS], own = 0;
  if (offer_deflate) /* messages about those who entered are over */
    for (uint64_t until = now_us() + 1000000; now_us() < until;) turn(20000);
  sending = true;
  uint64_t started = now_us(), from = started + warm_up_seconds * 1e6, until = from + seconds * 1e6, before = 0;
  for (int i = 0; i < sender_count; i++) fill_window(senders[i]);
  for (uint64_t now = started; now < until; now = now_us()) {
    if (!measuring && now >= from) {
      for (int i = 0; i < pid_count; i++) cpu[i] = cpu_seconds(pids[i]);
      own = own_cpu_seconds();
      before = published;
      deliveries = acks = received_bytes = 0;
      from = now_us();
      measuring = true;
    }
    uint64_t wait = send_what_is_due(started), left = (measuring ? until : from) - now;
    turn(wait < left ? wait : left);
    if (ready == 0) break;
  }
  measuring = sending = false;
  draining = true;
  double took = (now_us() - from) / 1e6;
  uint64_t measured_deliveries = deliveries, measured_acks = acks, measured_published = published - before;
  uint64_t measured_bytes = received_bytes;
  printf("{\"enteredPerSecond\":%.0f,\"seconds\":%.4f,\"published\":%llu,\"deliveries\":%llu,\"acks\":%llu,\"receivedBytes\":%llu,\"ownCpuSeconds\":%.3f,\"cpuSeconds\":[", entered_per_second, took,
         (unsigned long long)measured_published, (unsigned long long)measured_deliveries,
         (unsigned long long)measured_acks, (unsigned long long)measured_bytes, own_cpu_seconds() - own);
  for (int i = 0; i < pid_count; i++) printf("%s%.3f", i == 0 ? "" : ",", cpu_seconds(pids[i]) - cpu[i]);
  uint64_t give_up = now_us() + DRAIN_US, left = missing();
  while (left > 0 && now_us() < give_up) {
    turn(20000);
    if (missing() < left) give_up = now_us() + DRAIN_US;
    left = missing();
  }
  printf("]");
  print_latency("deliveryMs", &delivered_after);
  print_latency("crossNodeMs", &crossed_after);
  print_latency("ackMs", &acked_after);
  printf(",\"faults\":{\"gaps\":%llu,\"reorders\":%llu,\"missing\":%llu,\"lost\":%d}}\n", (unsigned long long)gaps,
         (unsigned long long)reorders, (unsigned long long)missing(), lost);
}

/* ---- options ---- */

static void parse_template(const char *text) {
  const char *from = text;
  for (const char *at = text;; at++) {
    bool marks = *at == '%' && at[1] != 0 && strchr("rnkbt", at[1]) != NULL;
    if (!marks && *at != 0) continue;
    if (piece_count + 2 > MAX_PIECES) stop("--message has too many pieces");
    if (at > from) pieces[piece_count++] = (struct piece){0, from, at - from};
    if (*at == 0) return;
    pieces[piece_count++] = (struct piece){at[1], NULL, 0};
    if (at[1] == 't') quote = '\'';
    from = ++at + 1;
  }
}

/* `LEFT=>RIGHT` */
static void parse_pair(const char *text, const char **left, const char **right) {
  char *copy = strdup(text), *arrow = strstr(copy, "=>");
  if (arrow == NULL) stop("%s has no =>", text);
  *arrow = 0;
  *left = copy;
  *right = arrow + 2;
}

static void read_paths(const char *name) {
  FILE *file = fopen(name, "r");
  if (file == NULL) stop("%s: %s", name, strerror(errno));
  char *line = NULL;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, file)) > 1; paths[path_count++] = strndup(line, length - 1))
    paths = realloc(paths, (path_count + 1) * sizeof *paths);
  fclose(file);
}

static void parse_option(const char *name, const char *value) {
  if (strcmp(name, "--port") == 0 && port_count < MAX_PORTS) ports[port_count++] = atoi(value);
  else if (strcmp(name, "--pid") == 0 && pid_count < MAX_PIDS) pids[pid_count++] = atoi(value);
  else if (strcmp(name, "--path") == 0) path = value;
  else if (strcmp(name, "--step") == 0 && step_count < MAX_STEPS) {
    parse_pair(value, &steps[step_count].send, &steps[step_count].expect);
    step_count++;
  } else if (strcmp(name, "--pong") == 0) parse_pair(value, &ping, &pong);
  else if (strcmp(name, "--message") == 0) parse_template(value);
  else if (strcmp(name, "--clients") == 0) client_count = atoi(value);
  else if (strcmp(name, "--members") == 0) members = atoi(value);
  else if (strcmp(name, "--publishers") == 0) publishers = atoi(value);
  else if (strcmp(name, "--window") == 0) window = atoi(value);
  else if (strcmp(name, "--size") == 0) size = atoi(value);
  else if (strcmp(name, "--rate") == 0) rate = atof(value);
  else if (strcmp(name, "--seconds") == 0) seconds = atof(value);
  else if (strcmp(name, "--warm-up") == 0) warm_up_seconds = atof(value);
  else if (strcmp(name, "--deflate") == 0) offer_deflate = atoi(value) != 0;
  else if (strcmp(name, "--paths") == 0) read_paths(value);
  else if (strcmp(name, "--acks") == 0) count_acks = atoi(value) != 0;
  else stop("There is no option %s, or it is given too often", name);
}

static void check_options(void) {
  if (port_count == 0) stop("--port is missing");
  if (members < 1 || client_count % members != 0) stop("--clients must be a multiple of --members");
  if (publishers < 1 || publishers > members) stop("--publishers must be from 1 to --members");
  if (window < 1 || window >= (int)RING) stop("--window must be from 1 to %u", RING - 1);
  if (size < 64 || size > 32768) stop("--size must be from 64 to 32768");
  if (offer_deflate && (publishers > 1 || client_count != members)) stop("--deflate needs a single publisher");
  if (piece_count == 0) stop("--message is missing");
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i += 2) {
    if (i + 1 == count) stop("%s needs a value", arguments[i]);
    parse_option(arguments[i], arguments[i + 1]);
  }
  check_options();
  signal(SIGPIPE, SIG_IGN);
  alarm((unsigned)(seconds + warm_up_seconds) + 60);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(EPOLL_CLOEXEC);
  reading = malloc(READ_BYTES);
  clients = calloc(client_count, sizeof *clients);
  senders = calloc(client_count, sizeof *senders);
  for (int i = 0; i < client_count; i++) {
    struct client *client = &clients[i];
    *client = (struct client){.index = i, .room = i / members, .publisher = -1, .fd = -1};
    client->received = calloc(publishers, sizeof *client->received);
    client->unread = malloc(client->unread_room = 256);
    if (i % members < members - publishers) continue;
    client->publisher = sender_count;
    senders[sender_count++] = client;
    if (count_acks) client->sent_at = calloc(RING, sizeof *client->sent_at);
  }
  open_all();
  measure();
  fflush(stdout);
  return gaps + reorders + missing() + lost > 0 ? 1 : 0;
}
