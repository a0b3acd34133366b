/* bench_null - a server that only frames and answers: it looks for the end of each frame and says the same 9014 to all. It
 * decodes nothing, checks nothing, stores nothing. One thread, one epoll, one answer per read. Prints "port N"; ends on end of
 * file of standard input. */
#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define ANSWER "##0087QN=20240601085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&47C0\r\n"
enum { MOST = 512 };

static char in[64 * 1024], out[MOST * sizeof ANSWER];

static void serve(int fd)
{
    ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            close(fd);
        return;
    }
    size_t frames = 0;
    for (const char *p = in, *e = in + n; (p = memchr(p, '\n', (size_t)(e - p))); p++)
        frames++;
    frames = frames < MOST ? frames : MOST;
    if (frames && send(fd, out, frames * (sizeof ANSWER - 1), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        close(fd);
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

int main(void)
{
    struct rlimit files = { 65536, 65536 };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    static struct epoll_event e[1024];
    char c;
    setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < MOST; i++)
        memcpy(out + i * (sizeof ANSWER - 1), ANSWER, sizeof ANSWER - 1);
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
    }
}
