// Keys and secret: read from the files that the configuration names, or made once in the state
// folder (DESIGN 3). `nginx -t` makes nothing.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ngx/conf.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

#ifndef OAUTH_STATE_DIR
#define OAUTH_STATE_DIR "/var/lib/nginx/oauth"
#endif

NamedFile state_dir(const MainConf& main) {
  return main.state_dir.value_or(NamedFile{OAUTH_STATE_DIR, {}});
}

std::string why(int error) {
  return std::string(" (") + std::strerror(error) + ")";
}

// The folder exists, is the starting user's, and nobody else's to write.
bool prepare_state_dir(ngx_conf_t* cf, const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    conf_error(cf, "cannot make the folder \"" + path +
                       "\" for the broker's keys and what it has revoked" + why(errno) +
                       ": make it, or name another with \"oauth_state_dir PATH;\"");
    return false;
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
      (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    conf_error(cf, "\"" + path +
                       "\" must be a folder that belongs to the user who starts nginx, "
                       "and that nobody else may write: chown and chmod 700 it");
    return false;
  }
  return true;
}

bool write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0) {
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Appears whole or not at all, and only once: who comes second finds the first one's.
bool make_file(ngx_conf_t* cf, const std::string& path, std::string_view content) {
  const std::string temporary = path + "." + std::to_string(getpid());
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool made = file >= 0 && write_all(file, content) && fsync(file) == 0;
  int error = errno;
  if (file >= 0) {
    close(file);
  }
  if (made && link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    error = errno;
    made = false;
  }
  unlink(temporary.c_str());
  if (!made) {
    conf_error(cf, "cannot write \"" + path + "\"" + why(error));
  }
  return made;
}

std::optional<std::string> read_key_file(ngx_conf_t* cf, const std::string& path) {
  std::string reason;
  auto content = read_whole_file(cf, path, reason, std::size_t{16} * 1024);
  if (!content) {
    conf_error(cf, reason);
  }
  return content;
}

// The content of a file in the state folder, made by `generate` where there is none; nullopt after
// an [emerg] line, and under `nginx -t` (without one) where there is none.
std::optional<std::string> state_file(ngx_conf_t* cf, const std::string& path,
                                      Result<Secret> (*generate)()) {
  if (access(path.c_str(), F_OK) != 0) {
    if (ngx_test_config) {
      return std::nullopt;
    }
    const auto content = generate();
    if (!content || !make_file(cf, path, content->bytes())) {
      return std::nullopt;
    }
    ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0, "oauth: made \"%s\"", path.c_str());
  }
  return read_key_file(cf, path);
}

Result<Secret> generate_secret() {
  const auto random = random_bytes(32);
  return random ? Result<Secret>(Secret(hex_encode(*random))) : random.problem();
}

Result<Secret> generate_es256() {
  const auto key = Key::generate_es256();
  return key ? Result<Secret>(key->private_pem()) : key.problem();
}

Result<Secret> generate_rs256() {
  const auto key = Key::generate_rs256();
  return key ? Result<Secret>(key->private_pem()) : key.problem();
}

struct KeyFile {
  std::string content;
  Place place;
};

char* use_secrets(ngx_conf_t* cf, MainConf& main, const std::vector<KeyFile>& files) {
  std::vector<Secret> secrets;
  for (const KeyFile& file : files) {
    auto secret = decode_secret(file.content);
    if (!secret) {
      const PointingTo place(cf, file.place);
      return conf_error(cf,
                        "an \"oauth_secret\" must be at least 32 random bytes, raw, hex or "
                        "base64: openssl rand -hex 32");
    }
    secrets.push_back(*std::move(secret));
  }
  auto keyring = Keyring::make(secrets);
  if (!keyring) {
    return conf_error(cf, "the \"oauth_secret\" cannot be used");
  }
  main.keyring = std::make_shared<const Keyring>(*std::move(keyring));
  return static_cast<char*>(NGX_CONF_OK);
}

char* use_signing_keys(ngx_conf_t* cf, MainConf& main, const std::vector<KeyFile>& files) {
  std::vector<Key> keys;
  for (const KeyFile& file : files) {
    const auto key = Key::from_private_pem(file.content);
    if (!key) {
      const PointingTo place(cf, file.place);
      return conf_error(cf,
                        "an \"oauth_signing_key\" must be an unencrypted PEM private key: RSA of "
                        "2048 to 8192 bit, P-256, P-384, P-521 or Ed25519");
    }
    keys.push_back(key->with_kid(key->thumbprint()));
  }
  main.signing = std::make_shared<const KeySet>(std::move(keys));
  return static_cast<char*>(NGX_CONF_OK);
}

// The files that were named, or those of the state folder. An empty list is `nginx -t` without
// keys.
std::optional<std::vector<KeyFile>> contents(
    ngx_conf_t* cf, const std::vector<NamedFile>& named, const NamedFile& folder,
    std::initializer_list<std::pair<const char*, Result<Secret> (*)()>> generated) {
  std::vector<KeyFile> files;
  for (const NamedFile& file : named) {
    const PointingTo place(cf, file.place);
    auto content = read_key_file(cf, file.path);
    if (!content) {
      return std::nullopt;
    }
    files.push_back({*std::move(content), file.place});
  }
  if (!named.empty() || (ngx_test_config && access(folder.path.c_str(), F_OK) != 0)) {
    return files;
  }
  const PointingTo place(cf, folder.place);
  if (!prepare_state_dir(cf, folder.path)) {
    return std::nullopt;
  }
  for (const auto& [name, generate] : generated) {
    auto content = state_file(cf, folder.path + "/" + name, generate);
    if (content) {
      files.push_back({*std::move(content), folder.place});
    } else if (!ngx_test_config) {
      return std::nullopt;
    }
  }
  return files;
}

}  // namespace

std::string state_path(ngx_conf_t* cf, const MainConf& main, std::string_view name) {
  const NamedFile folder = state_dir(main);
  const PointingTo place(cf, folder.place);
  const bool is_there = access(folder.path.c_str(), F_OK) == 0;
  if ((is_there || !ngx_test_config) && !prepare_state_dir(cf, folder.path)) {
    return {};
  }
  return folder.path + "/" + std::string(name);
}

char* load_keys(ngx_conf_t* cf, MainConf& main) {
  const NamedFile folder = state_dir(main);
  const auto secrets = contents(cf, main.secrets, folder, {{"secret", generate_secret}});
  if (!secrets) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  const auto keys =
      contents(cf, main.signing_keys, folder,
               {{"signing-es256.pem", generate_es256}, {"signing-rs256.pem", generate_rs256}});
  if (!keys) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  if (!secrets->empty() && use_secrets(cf, main, *secrets) != NGX_CONF_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  return keys->empty() ? static_cast<char*>(NGX_CONF_OK) : use_signing_keys(cf, main, *keys);
}

}  // namespace oauth
