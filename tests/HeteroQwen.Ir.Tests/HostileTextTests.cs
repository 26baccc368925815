namespace HeteroQwen.Ir.Tests;

public sealed class HostileTextTests
{
    [Theory]
    [InlineData("", "1:1: expected 'heteroqwen.ir', found the end of the text")]
    [InlineData("heteroqwen.ir 2", "1:15: expected version 1 of the text form, the one this program reads, found '2'")]
    [InlineData("heteroqwen.ir 1\ngraph g", "2:7: expected the graph's name in quotes, found 'g'")]
    [InlineData("heteroqwen.ir 1\ngraph \"g", "2:7: a text in quotes has no closing quote on its line")]
    [InlineData("heteroqwen.ir 1\ngraph \"g\" {", "2:12: expected input, const, state, output, a %name or '}', found the end of the text")]
    [InlineData("heteroqwen.ir 1\ngraph \"\\q\" {", "2:8: expected one of the escapes \\\", \\\\ and \\uXXXX")]
    [InlineData("heteroqwen.ir 1\ngraph \"g\" {} }", "2:14: expected the end of the text, found '}'")]
    public void Parse_of_a_broken_frame_says_where_and_what_was_expected(string text, string message) => AssertRefused(text, message);

    [Theory]
    [InlineData("input %x : f64[T]", "3:12: expected an element type (f32, f16, bf16, i32, i8, bool, q8_0, q4_0, q4_k, q6_k), found 'f64'")]
    [InlineData("input %x : f32[X]", "3:16: expected a dimension (a number, T, N, B, B+1 or R), found 'X'")]
    [InlineData("input %x : f32[-1]", "3:16: expected a dimension (a number, T, N, B, B+1 or R), found '-1'")]
    [InlineData("input %x : f32[9223372036854775808]", "3:16: expected a dimension (a number, T, N, B, B+1 or R), found '9223372036854775808'")]
    [InlineData("input %x : f32[B+2]", "3:18: expected B+1, found B+ and '2'")]
    [InlineData("input %x : f32[1,1,1,1,1,1,1,1,1]", "3:12: expected a well-formed type, found more than 8 dimensions")]
    [InlineData("input %x : f32[0, 1099511627777]", "3:12: expected a well-formed type, found more than 2^40 elements")]
    [InlineData("const %x : q8_0[T]", "3:12: expected a well-formed type, found a last dimension that is no whole number of blocks of 32")]
    [InlineData("input %x : i8[] input %x : i8[]", "3:23: expected a new name, found %x, which is defined above")]
    [InlineData("input % : i8[]", "3:7: expected a name after '%'")]
    [InlineData("input %x : i8[] ~", "3:17: unexpected character '~'")]
    [InlineData("input %x : i8[] \u00e9", "3:17: unexpected character U+00E9")]
    [InlineData("output \"y\" = %y", "3:14: expected a value defined above, found %y")]
    public void Parse_of_a_broken_declaration_says_where_and_what_was_expected(string line, string message) =>
        AssertRefused($"heteroqwen.ir 1\ngraph \"g\" {{\n{line}\n}}", message);

    [Theory]
    [InlineData("%y = sigmoid(%x) : f32[T]", "4:6: expected the name of an op, such as linear, found 'sigmoid'")]
    [InlineData("%y = silu(%z) : f32[T]", "4:11: expected a value defined above, found %z")]
    [InlineData("%y = silu(%y) : f32[T]", "4:11: expected a value defined above, found %y")]
    [InlineData("%x = silu(%x) : f32[T]", "4:1: expected a new name, found %x, which is defined above")]
    [InlineData("%y, %y = silu(%x) : f32[T]", "4:5: expected a new name, found a second %y")]
    [InlineData("%y, %z = silu(%x) : f32[T]", "4:1: expected 1 result(s) of silu : f32[T], found 2 : f32[T]")]
    [InlineData("%y = silu(%x) : f32[N]", "4:17: expected 1 result(s) of silu : f32[T], found 1 : f32[N]")]
    [InlineData("%y = silu(%x, %x) : f32[T]", "4:6: silu C1: one operand, no attributes; found 2 operands")]
    [InlineData("%y = silu(%x) {k = 1, k = 1} : f32[T]", "4:23: expected a new attribute, found a second 'k'")]
    [InlineData("%y = silu(%x) {k = 1E999} : f32[T]", "4:20: expected a 64-bit integer, a double or a text in quotes, found '1E999'")]
    [InlineData("%y = silu(%x) {k = 9223372036854775808} : f32[T]", "4:20: expected a 64-bit integer, a double or a text in quotes, found '9223372036854775808'")]
    [InlineData("%y = scatter_rows(%s, %i, %x) : f32[4, 4]", "4:6: scatter_rows C4: rows is f32 [index, ..] with the state's other dimensions; found f32[T] into f32[4, 4] at i32[T]")]
    [InlineData("%y = softmax(%s) : f32[4, 4]", "4:6: a state is used only where an op takes a state, or as the table of gather_rows, found %s as operand 0")]
    [InlineData("output \"s\" = %s", "5:1: outputs have unique names and are values of the graph, but not states, found output 's' of %s, a state")]
    public void Parse_of_a_broken_operation_says_where_and_what_was_expected(string line, string message) =>
        AssertRefused($"heteroqwen.ir 1\ngraph \"g\" {{\ninput %x : f32[T] input %i : i32[T] state %s : f32[4, 4]\n{line}\n}}", message);

    [Fact]
    public void Parse_of_a_long_message_is_cut_and_without_control_characters()
    {
        string kind = string.Concat(Enumerable.Repeat("\\u0007bell", 500));
        var e = Assert.Throws<UserErrorException>(() => GraphParser.Parse(
            $"heteroqwen.ir 1 graph \"g\" {{ input %x : f32[] %y = unary(%x) {{kind = \"{kind}\"}} : f32[] }}", "case.txt"));

        Assert.StartsWith("case.txt:1:", e.Message, StringComparison.Ordinal);
        Assert.InRange(e.Message.Length, 100, 400);
        Assert.DoesNotContain(e.Message, char.IsControl);
    }

    [Fact]
    public void Parse_of_a_text_beyond_the_limit_is_refused() =>
        Assert.Throws<UserErrorException>(() => GraphParser.Parse(new string(' ', (1 << 24) + 1)));

    private static void AssertRefused(string text, string message) =>
        Assert.Equal($"graph text:{message}", Assert.Throws<UserErrorException>(() => GraphParser.Parse(text)).Message);
}
