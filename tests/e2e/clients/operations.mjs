// What the clients ask. Relay's compiler wants operations that begin with the name of their module, `cars`.

const REGIONS = `regions {
  regionId fromName
  ... on RectangleRegion { x }
  ... on ChoicesRegion { choices }
  ... on VectorRegion { vertices { vertexId x } }
}`;

/** The texts, by the names of the operations. */
export const OPERATIONS = {
  carsEditorQuery: `query carsEditorQuery($task: ID!) {
    task(id: $task) {
      id
      predictions { id ${REGIONS} }
      annotations {
        nodes {
          id version ${REGIONS}
          history { nodes { version annotation { ${REGIONS} } } }
        }
      }
    }
  }`,

  carsAnnotationQuery: `query carsAnnotationQuery($id: ID!) {
    annotation(id: $id) { id version ${REGIONS} }
  }`,

  carsPastQuery: `query carsPastQuery($id: ID!, $from: Int!, $to: Int!) {
    annotation(id: $id) {
      id
      diff(from: $from, to: $to) { from to changedRegions { regionId before after } }
      drafts { id ${REGIONS} }
      history { nodes { id version annotation { id ${REGIONS} } } }
    }
    annotationAt(id: $id, version: $from) { id ${REGIONS} }
  }`,

  carsSaveMutation: `mutation carsSaveMutation($id: ID!, $input: UpdateAnnotationInput!) {
    updateAnnotation(id: $id, input: $input) { id version ${REGIONS} }
  }`,

  carsReviewsQuery: `query carsReviewsQuery($id: ID!) {
    annotation(id: $id) { id reviews { id verdict comment version } latestReview { id verdict comment version } }
  }`,

  carsReviewMutation: `mutation carsReviewMutation($id: ID!, $input: ReviewAnnotationInput!) {
    reviewAnnotation(id: $id, input: $input) { id latestReview { id verdict comment version } }
  }`,

  carsMembersQuery: `query carsMembersQuery($project: ID!) {
    project(id: $project) { id members { id role user { id username } } }
  }`,

  carsRoleMutation: `mutation carsRoleMutation($project: ID!, $user: ID!, $role: ProjectRole!) {
    addProjectMember(projectId: $project, userId: $user, role: $role) { id role }
  }`,
};
