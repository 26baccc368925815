using System.Text.Json.Nodes;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>A golden model's <c>config.json</c> with changes, written to a file and read.</summary>
internal static class ConfigFile
{
    public const string Dense = "dense-tied-f32";
    public const string Moe = "moe-f32";

    /// <summary>Removes the key where the change is null, else sets it to the JSON given.</summary>
    public static string Text(string model, params (string Key, string? Json)[] changes)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(TestData.Path($"hf/{model}/config.json")))!.AsObject();
        foreach ((string key, string? json) in changes)
        {
            config.Remove(key);
            if (json is not null)
            {
                config.Add(key, JsonNode.Parse(json));
            }
        }

        return config.ToJsonString();
    }

    public static Qwen3Config Read(string model, params (string Key, string? Json)[] changes) => ReadText(Text(model, changes));

    public static Qwen3Config ReadText(string text, ICollection<string>? warnings = null)
    {
        using TempFolder folder = new();
        return Qwen3Config.Load(folder.Write("config.json", text), warnings);
    }

    /// <summary>Reads what must be refused, and checks that the sentence names the file and each of the words.</summary>
    public static void AssertRefused(string text, params string[] words)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => ReadText(text));
        Sentence.AssertNames(e, ["config.json", .. words]);
    }
}
