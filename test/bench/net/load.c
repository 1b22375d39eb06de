/*
 * The load of bench:net: both ends of every measurement. In C, so that what is measured is the device in between.
 *
 *   load serve PORT                         answers all that follows; prints "ready"; ends by a signal
 *   load tcp-down HOST PORT MS STREAMS      Mbit/s of payload from the server
 *   load tcp-up HOST PORT MS STREAMS        Mbit/s of payload to the server, as it acknowledges them
 *   load tcp-flood-up HOST PORT MS STREAMS  the same with send buffers as large as Linux will have them, so that queues
 *                                           overflow; the others' are bounded and measure carrying, not recovering
 *   load udp-up HOST PORT MS BYTES          datagrams per second that arrive at the server
 *   load udp-down HOST PORT MS BYTES        datagrams per second that arrive here
 *   load connections HOST PORT MS COUNT     TCP connections opened and closed per second, COUNT source ports in turn
 *   load tcp-pairs HOST PORT MS             one byte there and back, over TCP: pairs per second, one at a time
 *   load udp-pairs HOST PORT MS             the same over UDP
 *   load awake                              keeps the processors from idling; prints "ready"; ends by a signal
 *   load round-trip HOST PORT MS            median microseconds of single datagrams, one each 2 ms
 *
 * A client prints one number, or says on stderr why there is none and ends with 1. The first WARM_UP_MS of a measurement
 * are not counted. PORT + 1 of the server accepts connections and closes them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP_MS 100
#define ANSWER_MS 1000
#define TAIL_MS 100
#define MAX_STREAMS 64
#define IN_FLIGHT 16
#define FIRST_SOURCE_PORT 20000
#define MAX_SOURCE_PORTS 8192
#define BATCH 64
#define DATAGRAM_BYTES 2048
#define CHUNK_BYTES (256 * 1024)
/* The send buffers of all streams together, so that they fit into the 500 frames that a TAP device queues. */
#define SEND_BUFFERS_BYTES (512 * 1024)
#define MAX_AWAKE_MS 300000
#define MAX_PROCESSORS 256
#define ROUND_TRIPS 4096
#define ROUND_TRIP_PAUSE_US 2000

/* The first byte of a TCP connection, or of a datagram, says what is wanted; a connection's second how many it is one of. */
#define SOURCE 'S'
#define SINK 'D'
#define ECHO 'E'
#define FLOOD 'F'
#define RESET 'R'
#define REPORT 'Q'
#define GENERATE 'G'

static char chunk[CHUNK_BYTES];

/* Datagrams that were counted after the warm-up, and when the first and the last of them came. */
struct count {
  uint64_t datagrams;
  int64_t began_ns, first_ns, last_ns;
};

/* What a UDP control message carries behind its first byte. */
struct order {
  char what;
  char pad[3];
  uint32_t bytes, ms;
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t after_ms(long ms) { return now_ns() + (int64_t)ms * 1000000; }

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, errno == 0 ? "no answer" : strerror(errno));
  exit(1);
}

static int check(int result, const char *what) {
  if (result < 0) fail(what);
  return result;
}

static void enlarge_buffers(int fd) {
  int bytes = 8 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static struct sockaddr_in address(const char *host, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) {
    errno = EINVAL;
    fail(host);
  }
  return to;
}

static void set_option(int fd, int level, int option, int value) {
  check(setsockopt(fd, level, option, &value, sizeof value), "setsockopt");
}

static void bound_send_buffer(int fd, int streams) {
  if (streams > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFERS_BYTES / streams);
}

/* Closing it resets the connection, so that no end of it lingers. */
static void abort_on_close(int fd) {
  struct linger hard = {.l_onoff = 1, .l_linger = 0};
  check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), "SO_LINGER");
}

static bool readable_until(int fd, int64_t deadline) {
  int64_t left = (deadline - now_ns() + 999999) / 1000000;
  struct pollfd one = {.fd = fd, .events = POLLIN};
  return left > 0 && poll(&one, 1, (int)left) > 0;
}

static void watch(int poller, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) < 0) check(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/* ---- datagrams by the batch ---- */

struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  char bytes[BATCH][DATAGRAM_BYTES];
};

static struct batch batch;

static void prepare_batch(uint32_t bytes, struct sockaddr_in *to) {
  memset(batch.messages, 0, sizeof batch.messages);
  for (int i = 0; i < BATCH; i++) {
    batch.parts[i] = (struct iovec){batch.bytes[i], bytes};
    batch.messages[i].msg_hdr.msg_iov = &batch.parts[i];
    batch.messages[i].msg_hdr.msg_iovlen = 1;
    batch.messages[i].msg_hdr.msg_name = to;
    batch.messages[i].msg_hdr.msg_namelen = to == NULL ? 0 : sizeof *to;
  }
}

/* Sends as fast as the socket takes them. */
static void flood(int fd, struct sockaddr_in *to, uint32_t bytes, uint32_t ms) {
  if (bytes > DATAGRAM_BYTES) bytes = DATAGRAM_BYTES;
  prepare_batch(bytes, to);
  for (int i = 0; i < BATCH; i++) batch.bytes[i][0] = FLOOD;
  for (int64_t end = after_ms(ms); now_ns() < end;) {
    if (sendmmsg(fd, batch.messages, BATCH, 0) < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED) {
      fail("sendmmsg");
    }
  }
}

static void count_in(struct count *count, int datagrams) {
  int64_t now = now_ns();
  if (count->began_ns == 0) count->began_ns = now;
  if (now - count->began_ns < (int64_t)WARM_UP_MS * 1000000) return;
  if (count->first_ns == 0) count->first_ns = now;
  else count->datagrams += (uint64_t)datagrams;
  count->last_ns = now;
}

static double rate(const struct count *count) {
  int64_t ns = count->last_ns - count->first_ns;
  return ns <= 0 ? 0 : (double)count->datagrams * 1e9 / (double)ns;
}

/* ---- the server ---- */

static int listener(int port) {
  struct sockaddr_in at = address("0.0.0.0", port);
  int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  check(bind(fd, (struct sockaddr *)&at, sizeof at), "bind");
  check(listen(fd, 1024), "listen");
  return fd;
}

/* By descriptor: what the connection asked for, 0 before it has. */
static char services[4096];

static void accept_all(int listening, int poller, bool closes) {
  int fd;
  while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (closes || fd >= (int)sizeof services) {
      close(fd);
      continue;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    services[fd] = 0;
    watch(poller, fd, EPOLLIN);
  }
}

static void serve_connection(int fd, int poller) {
  ssize_t done = 0;
  char wanted[2];
  switch (services[fd]) {
    case 0:
      done = recv(fd, wanted, sizeof wanted, 0);
      if (done != sizeof wanted) break;
      services[fd] = wanted[0];
      bound_send_buffer(fd, wanted[1]);
      if (wanted[0] == SOURCE) watch(poller, fd, EPOLLOUT);
      break;
    case SOURCE:
      done = send(fd, chunk, sizeof chunk, MSG_NOSIGNAL);
      break;
    case SINK:
      /* TCP throws the bytes away uncopied. */
      done = recv(fd, chunk, sizeof chunk, MSG_TRUNC);
      break;
    default:
      done = recv(fd, chunk, sizeof chunk, 0);
      if (done > 0) done = send(fd, chunk, (size_t)done, MSG_NOSIGNAL);
  }
  if (done == 0 || (done < 0 && errno != EAGAIN)) close(fd);
}

static void serve_datagrams(int fd) {
  static struct count count;
  struct sockaddr_in from[BATCH];
  prepare_batch(DATAGRAM_BYTES, NULL);
  for (int i = 0; i < BATCH; i++) {
    batch.messages[i].msg_hdr.msg_name = &from[i];
    batch.messages[i].msg_hdr.msg_namelen = sizeof from[i];
  }
  int datagrams = recvmmsg(fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
  int counted = 0;
  for (int i = 0; i < datagrams; i++) {
    struct order order = {0};
    size_t bytes = batch.messages[i].msg_len;
    memcpy(&order, batch.bytes[i], bytes < sizeof order ? bytes : sizeof order);
    double answer = rate(&count);
    switch (order.what) {
      case FLOOD:
        counted++;
        break;
      case RESET:
        memset(&count, 0, sizeof count);
        sendto(fd, &order, sizeof order, 0, (struct sockaddr *)&from[i], sizeof from[i]);
        break;
      case REPORT:
        sendto(fd, &answer, sizeof answer, 0, (struct sockaddr *)&from[i], sizeof from[i]);
        break;
      case GENERATE:
        if (order.ms > 10000) order.ms = 10000;
        flood(fd, &from[i], order.bytes, order.ms);
        return;
      default:
        sendto(fd, batch.bytes[i], bytes, 0, (struct sockaddr *)&from[i], sizeof from[i]);
    }
  }
  if (counted > 0) count_in(&count, counted);
}

static void serve(int port) {
  int poller = check(epoll_create1(0), "epoll_create1");
  int streams = listener(port), closing = listener(port + 1);
  struct sockaddr_in at = address("0.0.0.0", port);
  int datagrams = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  enlarge_buffers(datagrams);
  check(bind(datagrams, (struct sockaddr *)&at, sizeof at), "bind");
  watch(poller, streams, EPOLLIN);
  watch(poller, closing, EPOLLIN);
  watch(poller, datagrams, EPOLLIN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == streams || fd == closing) accept_all(fd, poller, fd == closing);
      else if (fd == datagrams) serve_datagrams(fd);
      else serve_connection(fd, poller);
    }
  }
}

/* ---- the clients ---- */

static int connect_stream(const struct sockaddr_in *to, char service, int streams) {
  char wanted[2] = {service, (char)streams};
  int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  struct timeval patience = {.tv_sec = 3};
  check(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), "SO_SNDTIMEO");
  check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  abort_on_close(fd);
  check(connect(fd, (const struct sockaddr *)to, sizeof *to), "connect");
  check((int)send(fd, wanted, sizeof wanted, MSG_NOSIGNAL), "send");
  return fd;
}

static uint64_t acknowledged(const int *fds, int count) {
  uint64_t bytes = 0;
  for (int i = 0; i < count; i++) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    check(getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &size), "TCP_INFO");
    bytes += info.tcpi_bytes_acked;
  }
  return bytes;
}

static double bulk(const struct sockaddr_in *to, long ms, int streams, bool up, bool bounded) {
  int fds[MAX_STREAMS], poller = check(epoll_create1(0), "epoll_create1");
  if (streams > MAX_STREAMS) streams = MAX_STREAMS;
  for (int i = 0; i < streams; i++) {
    fds[i] = connect_stream(to, up ? SINK : SOURCE, streams);
    if (up && bounded) bound_send_buffer(fds[i], streams);
    check(fcntl(fds[i], F_SETFL, O_NONBLOCK), "fcntl");
    watch(poller, fds[i], up ? EPOLLOUT : EPOLLIN);
  }
  uint64_t received = 0, before = 0;
  int64_t counts_from = after_ms(WARM_UP_MS), end = counts_from + (int64_t)ms * 1000000, began = 0, now;
  while ((now = now_ns()) < end) {
    if (began == 0 && now >= counts_from) {
      began = now;
      before = up ? acknowledged(fds, streams) : received;
    }
    struct epoll_event events[MAX_STREAMS];
    int ready = epoll_wait(poller, events, MAX_STREAMS, 10);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      ssize_t done = up ? send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) : recv(fd, chunk, sizeof chunk, MSG_TRUNC);
      if (done == 0) errno = ECONNRESET;
      if (done == 0 || (done < 0 && errno != EAGAIN)) fail("a stream ended");
      if (!up && done > 0) received += (uint64_t)done;
    }
  }
  uint64_t bytes = (up ? acknowledged(fds, streams) : received) - before;
  if (bytes == 0) {
    errno = 0;
    fail("nothing carried");
  }
  return (double)bytes * 8e3 / (double)(now - began);
}

static int connect_datagrams(const struct sockaddr_in *to) {
  int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  enlarge_buffers(fd);
  check(connect(fd, (const struct sockaddr *)to, sizeof *to), "connect");
  return fd;
}

/* Sends an order until it is answered; the answer is as long as was asked for. Datagrams of a flood are passed over. */
static void ask(int fd, const struct order *order, void *answer, size_t bytes) {
  char got[DATAGRAM_BYTES];
  for (int64_t end = after_ms(3 * ANSWER_MS); now_ns() < end;) {
    send(fd, order, sizeof *order, 0);
    for (int64_t retry = after_ms(ANSWER_MS / 4); readable_until(fd, retry);) {
      if (recv(fd, got, sizeof got, MSG_DONTWAIT) == (ssize_t)bytes && (got[0] != FLOOD || order->what == REPORT)) {
        memcpy(answer, got, bytes);
        return;
      }
    }
  }
  errno = 0;
  fail("the server");
}

static double udp_up(const struct sockaddr_in *to, uint32_t ms, uint32_t bytes) {
  int fd = connect_datagrams(to);
  struct order order = {.what = RESET}, echo;
  double result = 0;
  ask(fd, &order, &echo, sizeof echo);
  flood(fd, NULL, bytes, ms + WARM_UP_MS);
  usleep(TAIL_MS * 1000);
  order.what = REPORT;
  ask(fd, &order, &result, sizeof result);
  return result;
}

static double udp_down(const struct sockaddr_in *to, uint32_t ms, uint32_t bytes) {
  int fd = connect_datagrams(to);
  struct order order = {.what = RESET}, echo;
  struct count count = {0};
  ask(fd, &order, &echo, sizeof echo);
  order = (struct order){.what = GENERATE, .bytes = bytes, .ms = ms + WARM_UP_MS};
  check((int)send(fd, &order, sizeof order, 0), "send");
  prepare_batch(DATAGRAM_BYTES, NULL);
  for (int64_t end = after_ms(ms + WARM_UP_MS + TAIL_MS); readable_until(fd, end);) {
    int datagrams = recvmmsg(fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
    if (datagrams > 0) count_in(&count, datagrams);
  }
  return rate(&count);
}

static double pairs(const struct sockaddr_in *to, long ms, bool tcp) {
  int fd = tcp ? connect_stream(to, ECHO, 1) : connect_datagrams(to);
  char byte = 'x';
  uint64_t done = 0;
  int64_t counts_from = after_ms(WARM_UP_MS), end = counts_from + (int64_t)ms * 1000000, now;
  uint64_t before = 0;
  int64_t began = 0;
  while ((now = now_ns()) < end) {
    if (began == 0 && now >= counts_from) {
      began = now;
      before = done;
    }
    check((int)send(fd, &byte, 1, MSG_NOSIGNAL), "send");
    if (!readable_until(fd, after_ms(ANSWER_MS))) {
      errno = 0;
      fail("a request");
    }
    check((int)recv(fd, &byte, 1, 0), "recv");
    done++;
  }
  return (double)(done - before) * 1e9 / (double)(now - began);
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static double round_trip(const struct sockaddr_in *to, long ms) {
  static double us[ROUND_TRIPS];
  int fd = connect_datagrams(to), done = 0;
  char byte = 'x';
  for (int64_t end = after_ms(ms + WARM_UP_MS); now_ns() < end && done < ROUND_TRIPS;) {
    int64_t sent = now_ns();
    check((int)send(fd, &byte, 1, 0), "send");
    if (readable_until(fd, sent + (int64_t)ANSWER_MS * 1000000) && recv(fd, &byte, 1, MSG_DONTWAIT) == 1) {
      us[done++] = (double)(now_ns() - sent) / 1e3;
    }
    usleep(ROUND_TRIP_PAUSE_US);
  }
  if (done == 0) {
    errno = 0;
    fail("the server");
  }
  qsort(us, (size_t)done, sizeof us[0], compare);
  return us[done / 2];
}

/* A socket bound to the next source port that is free again, connecting; -1 when none of them is. */
static int open_next(const struct sockaddr_in *to, int ports, int *next) {
  int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  for (int tried = 0; tried < ports; tried++) {
    struct sockaddr_in from = address("0.0.0.0", FIRST_SOURCE_PORT + *next);
    *next = (*next + 1) % ports;
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) continue;
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EINPROGRESS) return fd;
    break;
  }
  close(fd);
  return -1;
}

static double connections(const struct sockaddr_in *to, long ms, int ports) {
  if (ports < IN_FLIGHT || ports > MAX_SOURCE_PORTS) ports = MAX_SOURCE_PORTS;
  int poller = check(epoll_create1(0), "epoll_create1"), open = 0, next = 0;
  uint64_t done = 0, failed = 0, before = 0;
  int64_t counts_from = after_ms(WARM_UP_MS), end = counts_from + (int64_t)ms * 1000000, began = 0, now;
  while ((now = now_ns()) < end) {
    if (began == 0 && now >= counts_from) {
      began = now;
      before = done;
    }
    while (open < IN_FLIGHT) {
      int fd = open_next(to, ports, &next);
      if (fd < 0) break;
      /* The server closes at once, so that this says connected as well as closed. */
      watch(poller, fd, EPOLLIN | EPOLLRDHUP);
      open++;
    }
    struct epoll_event events[IN_FLIGHT];
    int ready = epoll_wait(poller, events, IN_FLIGHT, 10);
    for (int i = 0; i < ready; i++) {
      char byte;
      if (recv(events[i].data.fd, &byte, 1, 0) == 0) done++;
      else failed++;
      close(events[i].data.fd);
      open--;
    }
  }
  if (failed > 0) fprintf(stderr, "%llu connections failed\n", (unsigned long long)failed);
  return (double)(done - before) * 1e9 / (double)(now - began);
}

/*
 * A processor of a virtual machine that idles is given away, and to wake it takes 30 us or 300, as the host likes. Tasks
 * that run only when nothing else wants to keep it, and give way at once.
 */
static void stay_awake(void) {
  struct sched_param none = {0};
  sigset_t end;
  pid_t awake[MAX_PROCESSORS];
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (processors > MAX_PROCESSORS) processors = MAX_PROCESSORS;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, NULL);
  for (long i = 0; i < processors; i++) {
    awake[i] = check(fork(), "fork");
    if (awake[i] > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)i, &one);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setaffinity(0, sizeof one, &one);
    check(sched_setscheduler(0, SCHED_IDLE, &none), "SCHED_IDLE");
    for (int64_t last = after_ms(MAX_AWAKE_MS); now_ns() < last;) {
    }
    exit(0);
  }
  puts("ready");
  fflush(stdout);
  int signal;
  sigwait(&end, &signal);
  for (long i = 0; i < processors; i++) kill(awake[i], SIGKILL);
  while (wait(NULL) > 0) {
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (argc == 3 && strcmp(mode, "serve") == 0) serve(atoi(argv[2]));
  if (argc == 2 && strcmp(mode, "awake") == 0) {
    stay_awake();
    return 0;
  }
  if (argc < 5) {
    fprintf(stderr, "Usage: see the head of load.c\n");
    return 2;
  }
  int port = atoi(argv[3]);
  long ms = atol(argv[4]);
  int extra = argc > 5 ? atoi(argv[5]) : 1;
  struct sockaddr_in to = address(argv[2], port), closing = address(argv[2], port + 1);
  double result;
  if (strcmp(mode, "tcp-down") == 0) result = bulk(&to, ms, extra, false, true);
  else if (strcmp(mode, "tcp-up") == 0) result = bulk(&to, ms, extra, true, true);
  else if (strcmp(mode, "tcp-flood-up") == 0) result = bulk(&to, ms, extra, true, false);
  else if (strcmp(mode, "udp-up") == 0) result = udp_up(&to, (uint32_t)ms, (uint32_t)extra);
  else if (strcmp(mode, "udp-down") == 0) result = udp_down(&to, (uint32_t)ms, (uint32_t)extra);
  else if (strcmp(mode, "connections") == 0) result = connections(&closing, ms, extra);
  else if (strcmp(mode, "tcp-pairs") == 0) result = pairs(&to, ms, true);
  else if (strcmp(mode, "udp-pairs") == 0) result = pairs(&to, ms, false);
  else if (strcmp(mode, "round-trip") == 0) result = round_trip(&to, ms);
  else {
    fprintf(stderr, "%s is no measurement\n", mode);
    return 2;
  }
  printf("%.1f\n", result);
  return 0;
}
