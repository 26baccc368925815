using System.Text.Json;

namespace HeteroQwen.Hardening.Tests;

/// <summary>Where names, values and members (a name with its value, or an element of a list) lie in a JSON text.</summary>
internal sealed class JsonLayout
{
    private readonly Stack<(int Member, int Value)> _open = new();
    private int? _member;

    public List<Range> Names { get; } = [];

    public List<Range> Values { get; } = [];

    public List<Range> Members { get; } = [];

    /// <summary>Null where the text is no JSON any more.</summary>
    public static JsonLayout? Of(ReadOnlySpan<byte> json)
    {
        JsonLayout layout = new();
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 1000 });
        try
        {
            while (reader.Read())
            {
                layout.Add(reader.TokenType, (int)reader.TokenStartIndex, (int)reader.BytesConsumed);
            }

            return layout;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Add(JsonTokenType token, int start, int end)
    {
        switch (token)
        {
            case JsonTokenType.PropertyName:
                // The reader's token ends behind the colon.
                _member = start;
                Names.Add(start..end);
                return;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                _open.Push((_member ?? start, start));
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                (int member, int value) = _open.Pop();
                Values.Add(value..end);
                Members.Add(member..end);
                break;
            default:
                Values.Add(start..end);
                Members.Add((_member ?? start)..end);
                break;
        }

        _member = null;
    }
}
