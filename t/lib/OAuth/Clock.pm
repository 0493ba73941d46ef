# A monotonic clock that a test puts forward, for the nginx that it starts: its timers that are due then run as
# soon as anything wakes a worker.
#
#     my $clock = OAuth::Clock->new;
#     my $nginx = OAuth::Nginx->new(env => $clock->env, ...)->start;
#     $clock->forward(60);      # seconds
package OAuth::Clock;

use strict;
use warnings;
use File::Temp ();

# A sanitizer's library would have to be loaded first.
sub is_possible { return ($ENV{OAUTH_BUILD} || '') !~ m{\basan/*$} }

sub new {
    my ($class) = @_;
    my $self = bless { ahead => 0, folder => File::Temp->newdir('oauth-clock-XXXXXX', TMPDIR => 1) }, $class;
    chmod 0755, $self->_dir;
    $self->_tell;
    my $source = OAuth::Test::spew($self->_dir . '/clock.c', do { local $/; scalar <DATA> });
    system('cc', '-O1', '-shared', '-fPIC', '-o', $self->_dir . '/clock.so', $source) == 0 or die "cc: $?\n";
    return $self;
}

sub env { my ($self) = @_; return { LD_PRELOAD => $self->_dir . '/clock.so', OAUTH_CLOCK => $self->_dir . '/ahead' } }

sub forward {
    my ($self, $seconds) = @_;
    $self->{ahead} += $seconds;
    return $self->_tell;
}

sub _dir { return $_[0]{folder}->dirname }

# In place: it is mapped.
sub _tell {
    my ($self) = @_;
    open my $file, '+>>:raw', $self->_dir . '/ahead' or die "clock: $!\n";
    close $file;
    open $file, '+<:raw', $self->_dir . '/ahead' or die "clock: $!\n";
    syswrite $file, pack 'q', $self->{ahead};
    return $self;
}

1;
__DATA__
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* ahead;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("OAUTH_CLOCK");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) {
    close(file);
  }
  ahead = memory == MAP_FAILED ? NULL : memory;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  int is_monotonic = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW;
  if (result == 0 && is_monotonic && ahead != NULL) {
    time->tv_sec += *ahead;
  }
  return result;
}
