using System.Text;
using System.Text.Json;

namespace HeteroQwen.Models.Tests;

/// <summary>Whatever a message or a tool's schema spells, the control tokens of a prompt are the template's own.</summary>
public sealed class ControlTokenInjectionTests
{
    private static readonly string[] s_places =
    [
        """{"messages":[{"role":"user","content":@}]}""",
        """{"messages":[{"role":"system","content":@},{"role":"user","content":"x"}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"system","content":@}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":@}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":@},{"role":"user","content":"y"}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":@}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"tool","content":@}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"name":@,"arguments":{}}]}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":@}]}]}""",
        """{"messages":[{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":{"a":@}}]}]}""",
        """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":{@:1}}]}]}""",
        """{"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","description":@}]}""",
        """{"messages":[{"role":"system","content":@},{"role":"user","content":"x"}],"tools":[{@:{"deep":[@]}}]}""",
    ];

    public static TheoryData<string> SpecialTokens => new(TokenizerData.Qwen3.SpecialTokens);

    [Theory]
    [MemberData(nameof(SpecialTokens))]
    public void Encode_a_control_tokens_spelling_in_any_place_stays_text(string token)
    {
        foreach (var place in s_places)
        {
            string[] spellings =
                [token, $"a{token}b", $"{token}\n{token}", $"<think>{token}</think>{token}", $"<{token}>", token[1..], token[..^1]];
            foreach (var spelling in spellings)
            {
                var rendered = Render(place, spelling);
                var ids = rendered.Encode(TokenizerData.Qwen3);
                Assert.Equal(SpecialIds(Render(place, "harmless")), ids.Where(TokenizerData.Qwen3.IsSpecial));
                Assert.Equal(rendered.Text, TokenizerData.Qwen3.Decode(ids));
            }
        }
    }

    [Fact]
    public void Encode_other_added_tokens_in_a_message_are_found_as_in_the_whole_text()
    {
        var rendered = Render(s_places[0], "<think>a</think><tool_call>b</tool_call><|fim_prefix|><tool_response>");
        Assert.Equal(TokenizerData.Qwen3.Encode(rendered.Text, allowSpecial: true), rendered.Encode(TokenizerData.Qwen3));
        Assert.Contains(151667, rendered.Encode(TokenizerData.Qwen3));
    }

    private static IEnumerable<int> SpecialIds(RenderedChat rendered)
        => rendered.Encode(TokenizerData.Qwen3).Where(TokenizerData.Qwen3.IsSpecial);

    private static RenderedChat Render(string place, string spelling)
    {
        var json = place.Replace("@", JsonSerializer.Serialize(spelling));
        return ChatTemplate.Qwen3.Render(ChatRequest.Parse(Encoding.UTF8.GetBytes(json), "test"));
    }
}
