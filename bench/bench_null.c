/* bench_null [FILE] - a server that only frames and answers: it believes the length field, checks that ## and CR LF are where they
 * should be, and answers with the packet's QN and MN and a right checksum, as it must to be understood. It checks nothing,
 * reads no fields or values, knows no stations, stores nothing. One thread, one epoll, one answer per read. For the packets of
 * bench_load only: QN and MN stand at fixed places. Prints "port N"; ends on end of file of standard input.
 *
 * With FILE it is the least that a server must do whose word counts: it checks each checksum, appends the frames to the file (which
 * is written over from the start when it is full, so no room is ever made), waits until they are on the disk, and answers then. What
 * has come in one round of the loop goes in one write. */
#include "base/arena.h"
#include "hj212/hj212.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define ANSWER "##0071QN=20240601085857223;ST=91;CN=9014;PW=123456;MN=LOAD0000;Flag=4;CP=&&&&47C0\r\n"
enum { QN_AT = 9, QN_LEN = 17, MN_AT = 54, MN_LEN = 8, ANSWER_LEN = sizeof ANSWER - 1, MOST = 512 };

static char in[64 * 1024], out[MOST * ANSWER_LEN];

enum { LOG_SIZE = 64 << 20, LOG_ROUND = 4 << 20, ROUND_MOST = 16384 }; /* a round ends when so many bytes or answers wait */
static struct {
    int fd;
    off_t at;
    size_t n, answers, conns;
    char p[LOG_ROUND + sizeof in], out[ROUND_MOST * ANSWER_LEN];
    struct {
        int fd;
        size_t at, n;
    } conn[ROUND_MOST];
} disk = { .fd = -1 };

static void answer(char *to, const char *frame)
{
    static const char hex[] = "0123456789ABCDEF";
    memcpy(to + QN_AT, frame + QN_AT, QN_LEN);
    memcpy(to + MN_AT, frame + MN_AT, MN_LEN);
    unsigned crc = hj212_crc(to + 6, ANSWER_LEN - 12);
    for (int i = 3; i >= 0; i--, crc >>= 4)
        to[ANSWER_LEN - 6 + i] = hex[crc & 15];
}

static bool checked(const char *frame, size_t whole)
{
    unsigned sent = 0;
    for (size_t i = whole - 6; i < whole - 2; i++)
        sent = sent << 4 | (unsigned)(frame[i] <= '9' ? frame[i] - '0' : frame[i] - 'A' + 10);
    return sent == hj212_crc(frame + 6, whole - 12);
}

static void round_out(void);

/* The answers wait for the end of the round. */
static void keep(int fd, const char *frames, size_t bytes, const char *answers, size_t n)
{
    if (!n)
        return;
    if (disk.n + bytes > sizeof disk.p || disk.answers + n > ROUND_MOST)
        round_out();
    memcpy(disk.p + disk.n, frames, bytes);
    memcpy(disk.out + disk.answers * ANSWER_LEN, answers, n * ANSWER_LEN);
    disk.conn[disk.conns].fd = fd;
    disk.conn[disk.conns].at = disk.answers;
    disk.conn[disk.conns++].n = n;
    disk.n += bytes;
    disk.answers += n;
}

static struct {
    char *p;
    size_t n;
} rest[1 << 16]; /* of a frame that is not whole yet, by file descriptor: rare */

static void drop(int fd)
{
    rest[fd].n = 0;
    close(fd);
}

static void serve(int fd)
{
    if (rest[fd].n)
        memcpy(in, rest[fd].p, rest[fd].n);
    ssize_t n = recv(fd, in + rest[fd].n, sizeof in - rest[fd].n, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            drop(fd);
        return;
    }
    size_t frames = 0;
    const char *p = in, *first = in, *end = in + rest[fd].n + n;
    rest[fd].n = 0;
    while (end - p >= 12 && frames < MOST) {
        size_t whole = (size_t)((p[2] - '0') * 1000 + (p[3] - '0') * 100 + (p[4] - '0') * 10 + (p[5] - '0')) + 12;
        if (p[0] != '#' || p[1] != '#' || whole > HJ212_FRAME_MAX) {
            drop(fd);
            return;
        }
        if ((size_t)(end - p) < whole)
            break;
        if (p[whole - 2] == '\r' && p[whole - 1] == '\n' && (disk.fd < 0 || checked(p, whole)))
            answer(out + frames++ * ANSWER_LEN, p);
        p += whole;
    }
    if (p < end) {
        rest[fd].n = (size_t)(end - p);
        rest[fd].p = memcpy(rest[fd].p ? rest[fd].p : lf_new(sizeof in), p, rest[fd].n);
    }
    if (disk.fd >= 0)
        keep(fd, first, (size_t)(p - first), out, frames);
    else if (frames && send(fd, out, frames * ANSWER_LEN, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        drop(fd);
}

static void round_out(void)
{
    if (disk.n == 0)
        return;
    if (disk.at + (off_t)disk.n > LOG_SIZE)
        disk.at = 0;
    if (pwrite(disk.fd, disk.p, disk.n, disk.at) != (ssize_t)disk.n || fdatasync(disk.fd) != 0)
        _exit(3);
    disk.at += (off_t)disk.n;
    for (size_t i = 0; i < disk.conns; i++)
        if (send(disk.conn[i].fd, disk.out + disk.conn[i].at * ANSWER_LEN, disk.conn[i].n * ANSWER_LEN, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            drop(disk.conn[i].fd);
    disk.n = disk.answers = disk.conns = 0;
}

/* Its room is there and written before anything is measured. */
static bool open_log(const char *path)
{
    disk.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t at = 0; disk.fd >= 0 && at < LOG_SIZE; at += LOG_ROUND)
        if (pwrite(disk.fd, disk.p, LOG_ROUND, at) != LOG_ROUND)
            return false;
    return disk.fd >= 0 && fdatasync(disk.fd) == 0;
}

static void take(int ep, int server)
{
    int one = 1;
    for (int fd; (fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files = { 65536, 65536 };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    static struct epoll_event e[1024];
    char c;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc > 1 && !open_log(argv[1]))
        return 1;
    for (size_t i = 0; i < MOST; i++)
        memcpy(out + i * ANSWER_LEN, ANSWER, ANSWER_LEN);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), ep = epoll_create1(EPOLL_CLOEXEC);
    if (server < 0 || bind(server, (const struct sockaddr *)&a, sizeof a) != 0 || listen(server, 4096) != 0 ||
        getsockname(server, (struct sockaddr *)&a, &len) != 0)
        return 1;
    epoll_ctl(ep, EPOLL_CTL_ADD, server, &(struct epoll_event){ .events = EPOLLIN, .data.fd = server });
    epoll_ctl(ep, EPOLL_CTL_ADD, 0, &(struct epoll_event){ .events = EPOLLIN, .data.fd = 0 });
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(ep, e, LF_COUNT(e), -1);
        for (int i = 0; i < n; i++)
            if (e[i].data.fd == server)
                take(ep, server);
            else if (e[i].data.fd == 0 && read(0, &c, 1) <= 0)
                return 0;
            else if (e[i].data.fd > 0)
                serve(e[i].data.fd);
        round_out();
    }
}
