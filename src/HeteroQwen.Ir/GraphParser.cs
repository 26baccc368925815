using System.Collections.Immutable;
using System.Globalization;

namespace HeteroQwen.Ir;

/// <summary>
/// Reads the text form that <see cref="GraphPrinter"/> writes. The text may come from anywhere: whatever it holds, the result is a
/// graph that <see cref="Verifier"/> accepts, or a <see cref="UserErrorException"/> with line and column.
/// </summary>
public sealed class GraphParser
{
    private const int MaxCharacters = 1 << 24;

    private readonly GraphLexer _lexer;
    private readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<Operation, Token> _places = [];
    private Token _token;

    private GraphParser(string text, string source)
    {
        _lexer = new(text, source);
        _token = _lexer.Next();
    }

    /// <summary>Reads one graph.</summary>
    /// <param name="text">At most 2^24 characters.</param>
    /// <param name="source">What messages call the text: a file's path.</param>
    /// <exception cref="UserErrorException">The text is no valid graph.</exception>
    public static Graph Parse(string text, string source = "graph text")
    {
        if (text.Length > MaxCharacters)
        {
            throw new UserErrorException($"{source} is longer than {MaxCharacters} characters, the most that a graph's text may have");
        }

        return new GraphParser(text, source).ParseText();
    }

    private Graph ParseText()
    {
        ExpectWord(GraphPrinter.FormatName);
        if (_token is not { Kind: TokenKind.Number, Text: "1" })
        {
            throw Error(_token, $"expected version {GraphPrinter.Version} of the text form, the one this program reads, found {_token}");
        }

        Advance();
        ExpectWord("graph");
        GraphBuilder builder = new(Expect(TokenKind.Text, "the graph's name in quotes").Text);
        ExpectSymbol('{');
        while (!IsSymbol('}'))
        {
            ParseStatement(builder);
        }

        Token end = Advance();
        _ = Expect(TokenKind.End, "the end of the text");
        return Verified(builder.Build(), end);
    }

    private Graph Verified(Graph graph, Token end)
    {
        try
        {
            Verifier.Verify(graph);
            return graph;
        }
        catch (VerifierException e)
        {
            Token place = e.Operation is null ? end : _places[e.Operation];
            throw Error(place, e.Demand + ", found " + e.Found);
        }
    }

    private void ParseStatement(GraphBuilder builder)
    {
        switch (_token)
        {
            case { Kind: TokenKind.Value }:
                ParseOperation(builder);
                break;
            case { Kind: TokenKind.Word, Text: "input" }:
                ParseDeclaration(builder.Input);
                break;
            case { Kind: TokenKind.Word, Text: "const" }:
                ParseDeclaration(builder.Constant);
                break;
            case { Kind: TokenKind.Word, Text: "state" }:
                ParseDeclaration(builder.State);
                break;
            case { Kind: TokenKind.Word, Text: "output" }:
                Advance();
                string name = Expect(TokenKind.Text, "the output's name in quotes").Text;
                ExpectSymbol('=');
                builder.Output(name, ParseOperand());
                break;
            default:
                throw Error(_token, $"expected input, const, state, output, a %name or '}}', found {_token}");
        }
    }

    private void ParseDeclaration(Func<string, TensorType, Value> declare)
    {
        Advance();
        Token name = ParseNewName();
        ExpectSymbol(':');
        _values[name.Text] = declare(name.Text, ParseType());
    }

    private void ParseOperation(GraphBuilder builder)
    {
        ImmutableArray<Token> names = ParseList(ParseNewName);
        if (names.GroupBy(n => n.Text, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw Error(twice.Last(), $"expected a new name, found a second %{twice.Key}");
        }

        ExpectSymbol('=');
        Token place = Expect(TokenKind.Word, "the name of an op");
        if (!OpCatalog.TryGet(place.Text, out OpDefinition? op))
        {
            throw Error(place, $"expected the name of an op, such as linear, found {place}");
        }

        ExpectSymbol('(');
        ImmutableArray<Value> operands = IsSymbol(')') ? [] : ParseList(ParseOperand);
        ExpectSymbol(')');
        Attributes attributes = IsSymbol('{') ? ParseAttributes() : Attributes.Empty;
        ExpectSymbol(':');
        Token typesPlace = _token;
        ImmutableArray<TensorType> written = ParseList(ParseType);
        ImmutableArray<TensorType> inferred = Infer(op, operands, attributes, place);
        if (names.Length != inferred.Length || !written.SequenceEqual(inferred))
        {
            throw Error(
                names.Length != inferred.Length ? names[0] : typesPlace,
                $"expected {inferred.Length} result(s) of {op.Name} : {string.Join(", ", inferred)}, "
                    + $"found {names.Length} : {string.Join(", ", written)}");
        }

        foreach (Value result in builder.Emit(op, operands, attributes, [.. names.Select(n => n.Text)]))
        {
            _values[result.Name] = result;
            _places[result.Producer!] = place;
        }
    }

    private ImmutableArray<TensorType> Infer(OpDefinition op, ImmutableArray<Value> operands, Attributes attributes, Token place)
    {
        try
        {
            return op.Infer([.. operands.Select(o => o.Type)], attributes);
        }
        catch (ConstraintException e)
        {
            throw Error(place, e.Message);
        }
    }

    private Attributes ParseAttributes()
    {
        Advance();
        HashSet<string> names = new(StringComparer.Ordinal);
        ImmutableArray<(string, AttributeValue)> pairs = ParseList(() =>
        {
            Token name = Expect(TokenKind.Word, "an attribute's name");
            if (!names.Add(name.Text))
            {
                throw Error(name, $"expected a new attribute, found a second {name}");
            }

            ExpectSymbol('=');
            return (name.Text, ParseAttributeValue());
        });
        ExpectSymbol('}');
        return new(pairs.AsSpan());
    }

    private AttributeValue ParseAttributeValue()
    {
        Token token = Advance();
        if (token.Kind == TokenKind.Text)
        {
            return token.Text;
        }

        if (token.Kind == TokenKind.Number
            && long.TryParse(token.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
        {
            return integer;
        }

        // Infinity and NaN are written as words; digits that overflow to infinity, or an integer beyond 64 bits, are mistakes.
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool word = token.Text is "Infinity" or "-Infinity" or "NaN";
        bool real = token.Kind == TokenKind.Number && token.Text.AsSpan().ContainsAny('.', 'E', 'e');
        return double.TryParse(token.Text, Style, CultureInfo.InvariantCulture, out double value)
            && (word || (real && double.IsFinite(value)))
            ? value
            : throw Error(token, $"expected a 64-bit integer, a double or a text in quotes, found {token}");
    }

    private TensorType ParseType()
    {
        Token place = Expect(TokenKind.Word, "a type, such as f32[T, 64]");
        if (!ElementTypes.TryParse(place.Text, out ElementType element))
        {
            throw Error(place, $"expected an element type ({string.Join(", ", ElementTypes.All.Select(e => e.Name()))}), found {place}");
        }

        ExpectSymbol('[');
        ImmutableArray<Dim> dims = IsSymbol(']') ? [] : ParseList(ParseDim);
        ExpectSymbol(']');
        TensorType type = new(element, new Shape(dims.AsSpan()));
        return VerifierRules.TypeProblem(type) is string problem
            ? throw Error(place, $"expected a well-formed type, found {problem}")
            : type;
    }

    private Dim ParseDim()
    {
        Token token = Advance();
        if (token is { Kind: TokenKind.Word, Text: "B" } && IsSymbol('+'))
        {
            Advance();
            return _token is { Kind: TokenKind.Number, Text: "1" } && Advance() != default
                ? Dim.BPlus1
                : throw Error(_token, $"expected B+1, found B+ and {_token}");
        }

        return token.Kind is TokenKind.Word or TokenKind.Number && Dim.TryParse(token.Text, out Dim dim)
            ? dim
            : throw Error(token, $"expected a dimension (a number, T, N, B, B+1 or R), found {token}");
    }

    private Token ParseNewName()
    {
        Token name = Expect(TokenKind.Value, "a %name");
        return !VerifierRules.IsName(name.Text)
            ? throw Error(name, $"expected a name of at most {VerifierRules.MaxNameLength} characters, found {name}")
            : _values.ContainsKey(name.Text) ? throw Error(name, $"expected a new name, found {name}, which is defined above")
            : name;
    }

    private Value ParseOperand()
    {
        Token name = Expect(TokenKind.Value, "a %name");
        return _values.TryGetValue(name.Text, out Value? value)
            ? value
            : throw Error(name, $"expected a value defined above, found {name}");
    }

    /// <summary>One item or more, with commas between.</summary>
    private ImmutableArray<TItem> ParseList<TItem>(Func<TItem> parse)
    {
        var items = ImmutableArray.CreateBuilder<TItem>();
        items.Add(parse());
        while (IsSymbol(','))
        {
            Advance();
            items.Add(parse());
        }

        return items.ToImmutable();
    }

    private bool IsSymbol(char symbol) => _token.Kind == TokenKind.Symbol && _token.Text[0] == symbol;

    private Token Advance()
    {
        Token token = _token;
        _token = _lexer.Next();
        return token;
    }

    private Token Expect(TokenKind kind, string what) => _token.Kind == kind
        ? Advance()
        : throw Error(_token, $"expected {what}, found {_token}");

    private void ExpectSymbol(char symbol) =>
        _ = IsSymbol(symbol) ? Advance() : throw Error(_token, $"expected '{symbol}', found {_token}");

    private void ExpectWord(string word) =>
        _ = _token.Kind == TokenKind.Word && _token.Text == word ? Advance() : throw Error(_token, $"expected '{word}', found {_token}");

    private UserErrorException Error(Token place, string message) => _lexer.Error(place.Line, place.Column, message);
}
