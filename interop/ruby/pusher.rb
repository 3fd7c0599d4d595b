# What docs/ use of Pusher's gem, by Pusher's specification: not every machine can install the gem.
require "digest"
require "json"
require "net/http"
require "openssl"

module Pusher
  class << self
    attr_accessor :app_id, :key, :secret, :scheme, :host, :port

    def trigger(channel, event, data)
      body = JSON.generate(name: event, channels: [channel], data: JSON.generate(data))
      path = "/apps/#{app_id}/events"
      query = "auth_key=#{key}&auth_timestamp=#{Time.now.to_i}&auth_version=1.0&body_md5=#{Digest::MD5.hexdigest(body)}"
      signature = hmac("POST\n#{path}\n#{query}")
      address = URI("#{scheme}://#{host}:#{port}#{path}?#{query}&auth_signature=#{signature}")
      answer = Net::HTTP.post(address, body, "Content-Type" => "application/json")
      raise answer.body unless answer.is_a?(Net::HTTPSuccess)
    end

    def authenticate(channel, socket)
      { auth: "#{key}:#{hmac("#{socket}:#{channel}")}" }
    end

    private

    def hmac(text) = OpenSSL::HMAC.hexdigest("SHA256", secret, text)
  end
end
