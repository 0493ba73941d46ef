# The Dexie client's refresh: new access tokens for whoever proves the key that signed in.
use lib 't/lib';
use OAuth::Test;
use OAuth::Forge;
use OAuth::Redis;
use OAuth::Story;
use MIME::Base64 qw(encode_base64 decode_base64);
use Time::HiRes qw(time);

my $app = $OAuth::Story::APP;

sub now_ms { return int(time * 1000) }

# What the real client posts (dexie-contract 4.2); undef takes a member away.
sub members {
    my ($tokens, %changes) = @_;
    my $stamp = exists $changes{time_stamp} ? $changes{time_stamp} : now_ms();
    my $text = $tokens->{refreshToken} . (defined $stamp ? $stamp : '');
    return (
        grant_type => 'refresh_token', refresh_token => $tokens->{refreshToken}, scopes => ['ACCESS_DB'],
        signature => OAuth::Client::sign($text), signing_algorithm => 'RSASSA-PKCS1-v1_5', time_stamp => $stamp,
        code => undef, public_key => undef, %changes,
    );
}

sub refresh {
    my ($story, $tokens, %changes) = @_;
    my $origin = exists $changes{origin} ? delete $changes{origin} : $app;
    return $story->redeem(undef, origin => $origin, members => { members($tokens, %changes) });
}

sub claims { return decode_json(decode_base64url((split /\./, $_[0]{accessToken})[1])) }

sub refreshes {
    my ($story) = @_;
    my $tokens = $story->redeem($story->code)->{json};

    subtest 'a refresh gives a new access token' => sub {
        my $response = refresh($story, $tokens);
        is $response->{status}, 200, 'it is granted';
        my $now = $response->{json};
        is $now->{type}, 'tokens', 'in the shape of a sign-in';
        is_deeply $now->{claims}, $tokens->{claims}, 'the claims are complete again';
        is $now->{refreshToken}, $tokens->{refreshToken}, 'the refresh token stays, for this client stores no other';
        is $now->{refreshTokenExpiration}, $tokens->{refreshTokenExpiration}, 'and ends when it did';
        is claims($now)->{sid}, claims($tokens)->{sid}, 'the tokens are of one family';
        isnt claims($now)->{jti}, claims($tokens)->{jti}, 'but have names of their own';
        my $reply = $story->nginx->get('/api/', headers => [Authorization => "Bearer $now->{accessToken}"]);
        is "$reply->{status} $reply->{body}", '200 demo:alice@example.com', 'the new one opens the backend';
        is $story->told('token'), 'token done, provider demo', 'and one line tells of it';
    };

    subtest 'the proof is the key that signed in' => sub {
        my $stamp = now_ms();
        my $text = $tokens->{refreshToken} . $stamp;
        my $good = OAuth::Client::sign($text);
        my $other = OAuth::Forge->new(generate => 'RS256');
        my $other_pem = $other->public_pem =~ s/\n\z//r;
        my %wrong = (
            'of another text' => OAuth::Client::sign("$stamp$tokens->{refreshToken}"),
            'of the token alone' => OAuth::Client::sign($tokens->{refreshToken}),
            'of another key' => encode_base64($other->sign('RS256', $text), ''),
            'with a bit turned' => encode_base64(chr(ord(decode_base64($good)) ^ 1) . substr(decode_base64($good), 1), ''),
            'cut off' => encode_base64(substr(decode_base64($good), 0, 255), ''),
            'of nothing' => encode_base64("\0" x 256, ''),
        );
        for my $what (sort keys %wrong) {
            $story->is_refusal(refresh($story, $tokens, time_stamp => $stamp, signature => $wrong{$what}), 401,
                'proof_wrong', "a proof $what is refused");
        }
        $story->is_refusal(refresh($story, $tokens, time_stamp => $stamp, signature => $wrong{'of another key'},
            public_key => $other_pem), 401, 'proof_wrong', 'also with that key in the request');
        is refresh($story, $tokens, time_stamp => $stamp, public_key => $other_pem)->{status}, 200,
            'a key in the request is not looked at';
    };

    # dexie-contract 4.2
    subtest 'a proof that cannot be one is a bad request' => sub {
        my %wrong = (
            'a time stamp in quotes' => { time_stamp => now_ms() . '' },
            'a fraction' => { time_stamp => now_ms() + 0.5 }, 'seconds' => { time_stamp => int time },
            'a negative one' => { time_stamp => -now_ms() }, 'none' => { time_stamp => undef },
            'no signature' => { signature => undef }, 'base64url' => { signature => '-_-_' },
            'no padding' => { signature => 'YQ' }, 'the algorithm of types.ts' => { signing_algorithm => 'RSA256' },
            'no algorithm' => { signing_algorithm => undef }, 'no token' => { refresh_token => undef },
        );
        $wrong{'a time stamp in quotes'}{time_stamp} .= '';
        $story->is_refusal(refresh($story, $tokens, %{ $wrong{$_} }), 400, 'proof_malformed', $_) for sort keys %wrong;
    };

    subtest 'a clock that is wrong is told the time' => sub {
        for my $off (-601_000, 601_000, 400 * 86_400_000) {
            my $response = refresh($story, $tokens, time_stamp => now_ms() + $off);
            is $response->{status}, 400, "$off ms off";
            is $response->{json}{type}, 'invalid-timestamp', '  is of that type';
            cmp_ok abs($response->{json}{server_time} - now_ms()), '<', 60_000, '  and brings the right time';
            is header($response, 'access-control-allow-origin'), $app, '  so that the application can read it';
        }
        is refresh($story, $tokens, time_stamp => now_ms() - 540_000)->{status}, 200, 'nine minutes are near enough';
    };

    subtest 'a refresh token is for its broker, its user and its origin' => sub {
        my $token = $tokens->{refreshToken};
        for my $wrong (substr($token, 1), substr($token, 0, -4), ($token =~ tr/A-Za-z/B-ZAb-za/r), 'x', '*',
            $tokens->{accessToken}) {
            my $response = refresh($story, { %$tokens, refreshToken => $wrong });
            is $response->{status}, 401, 'no such token';
            is $response->{json}{message}, 'The sign-in has ended. Please sign in again.', '  says the same to all';
        }
        $story->is_refusal(refresh($story, $tokens, origin => 'https://other.example.com:8443'), 401,
            'refresh_other_origin', 'from another origin of ours', origin => 'https://other.example.com:8443');
        $story->is_refusal(refresh($story, $tokens, origin => 'https://evil.test'), 403, 'origin_not_allowed',
            'from a foreign one', origin => undef);
        my $app_tokens = $story->redeem($story->code(redirect_uri => 'myapp://done'), origin => undef)->{json};
        is refresh($story, $app_tokens, origin => undef)->{status}, 200, 'an app without an origin refreshes too';
    };
    return;
}

subtest 'with shared memory' => sub {
    my $story = OAuth::Story->new(workers => 2, http => '')->start;
    refreshes($story);

    subtest 'a client with a hot loop is slowed down' => sub {
        my $tokens = $story->redeem($story->code)->{json};
        my @statuses = map { refresh($story, $tokens)->{status} } 1 .. 12;
        is_deeply \@statuses, [(200) x 10, 429, 429], 'ten refreshes a minute are granted';
        my $response = refresh($story, $tokens);
        ok header($response, 'retry-after'), 'and it is said when to come again';
        is refresh($story, $story->redeem($story->code)->{json})->{status}, 200, 'another sign-in is not affected';
    };

    # Several tabs and a service worker, with the same time stamp.
    subtest 'tabs that refresh at once all get their tokens' => sub {
        my $tokens = $story->redeem($story->code)->{json};
        my %members = members($tokens);
        delete $members{$_} for grep { !defined $members{$_} } keys %members;
        my $text = OAuth::Http::format_request('POST', '/token', body => encode_json(\%members), host => 'localhost',
            keepalive => 1, headers => ['Content-Type' => 'application/json', Origin => $app]);
        my @connections = $story->connections(8);
        is_deeply [map { $_->{status} } OAuth::Story::race($text, @connections)], [(200) x 8], 'eight of eight';
        $_->close for @connections;
    };
    $story->stop;
};

SKIP: {
    skip 'no redis-server', 1 if !grep { -x "$_/redis-server" } split /:/, $ENV{PATH};
    my $redis = OAuth::Redis->new->start;
    my $story = OAuth::Story->new(workers => 2,
        http => 'oauth_store redis://127.0.0.1:' . $redis->port . ';')->start;
    subtest 'with Redis' => sub {
        refreshes($story);
        $redis->stop;
        my $response = refresh($story, { refreshToken => 'x' });
        is $response->{status}, 401, 'without the store a bad token is still a bad token';
        $story->stop;
    };
}

done_testing;
