using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Parses JSON files that may be hostile: bounded size and depth, no key twice, every failure a sentence.</summary>
internal static class JsonFile
{
    /// <summary>Hands the root object to <paramref name="read"/>; the element is valid only inside.</summary>
    public static T Read<T>(string path, long maxBytes, Func<JsonElement, T> read)
    {
        byte[] bytes = InputFile.ReadAll(path, maxBytes);
        try
        {
            JsonDocumentOptions options = new() { MaxDepth = 32, AllowDuplicateProperties = false };
            using JsonDocument document = JsonDocument.Parse(bytes, options);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(document.RootElement)
                : throw new UserErrorException($"{path}: this is no JSON object; download the file again");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UserErrorException($"{path}: not well-formed JSON ({Why(e)}); correct it or download the file again", e);
        }
    }

    // What is no JSON has a place, and a message that may quote the rest of the file. A key that is there twice has no place, but its
    // message names it. A string that is no valid Unicode is found only when it is read, by an InvalidOperationException.
    internal static string Why(Exception e) => e switch
    {
        JsonException { LineNumber: long line, BytePositionInLine: long at } => $"line {line + 1}, byte {at + 1}",
        JsonException => Shown.Text(e.Message.TrimEnd('.')),
        _ => "a string is no valid Unicode",
    };
}
