using System.Text.Json;
using HeteroQwen.Generation;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>An answer's fields in JSON.</summary>
internal static class RunJson
{
    public static void Write(Utf8JsonWriter json, GenerationRequest request, GenerationResult result, Ledger ledger)
    {
        json.WriteNumbers("ids", result.Ids);
        json.WriteString("text", request.Text?.ToString());
        json.WriteString("finish_reason", result.FinishReason.ToString().ToLowerInvariant());
        json.WriteNumber("prompt_tokens", result.PromptTokens);
        json.WriteNumber("prefill_ts", result.PrefillRate);
        json.WriteNumber("decode_ts", result.DecodeRate);
        json.WriteNumbers("margins", result.Margins);
        json.WriteNumbers("rms", result.Rms);
        if (request.Sampling is { IsGreedy: false } sampling)
        {
            json.WriteNumber("seed", sampling.Seed);
        }

        FallbackNotes.WriteJson(json, ledger);
    }
}
