// Renders a Helm chart as Helm does, with Go's templates and sprig as Debian has them:
// GO111MODULE=off go run main.go CHART < values.json. Prints one document after another.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

func main() {
	chart := os.Args[1]
	var given map[string]interface{}
	must(json.NewDecoder(os.Stdin).Decode(&given))
	templates := template.New("").Option("missingkey=error")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := templates.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	templates.Funcs(functions)
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	must(err)
	_, err = templates.ParseFiles(files...)
	must(err)
	for _, file := range files {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		os.Stdout.WriteString("---\n")
		must(templates.ExecuteTemplate(os.Stdout, filepath.Base(file), given))
		os.Stdout.WriteString("\n")
	}
}

func must(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
